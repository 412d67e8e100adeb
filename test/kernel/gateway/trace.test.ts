/** `segue trace --tenant …` on a network node: its result is the program's, and nothing is counted or stored. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { decide } from '../../../src/gateway/decide.js';
import { policySetsInForce } from '../../../src/gateway/policy-resource.js';
import { policyHits } from '../../../src/gateway/policy-records.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { traceFromNetworkNode } from '../../../src/observe/trace/trace.js';
import { ip4, udp } from '../fastpath/packets.js';
import { counts, emptyTable } from '../steer/table.js';
import { ACK, SYN, ViewNode } from './view-node.js';
import type { ArrivingQuestion, Trace } from '../../../src/observe/trace/types.js';

const RED_TO_BLUE = { from: { tenant: 'red' }, to: { tenant: 'blue' } };
const POLICIES = [
  { name: 'web', ...RED_TO_BLUE, protocol: 'tcp', ports: [80, '8000-8100'], action: 'allow' },
  { name: 'no-admin', ...RED_TO_BLUE, protocol: 'tcp', ports: [8080], action: 'deny', log: true, priority: 5 },
  { name: 'dns', ...RED_TO_BLUE, protocol: 'udp', ports: [53], action: 'allow' },
  {
    name: 'out',
    from: { tenant: 'red' },
    to: { external: 'dc', prefixes: ['192.0.2.0/24'] },
    protocol: 'any',
    action: 'allow',
  },
];

const node = new ViewNode();

beforeAll(async () => {
  node.setUp();
  await node.apply({ policies: POLICIES });
});

afterAll(() => node.tearDown());

beforeEach(() => {
  emptyTable(node.instance.kernel.fastpath.steering.make());
});

function ask(question: Partial<ArrivingQuestion>): Trace {
  const intent = node.intent();
  const asked = { tenant: 'red', from: '10.0.0.2', to: '10.1.0.2', size: 84, ...question };
  return traceFromNetworkNode(showContext(node.instance, intent), intent, asked);
}

const detail = ({ steps }: Trace, step: string): unknown => steps.find((one) => one.step === step)?.detail;
const tcp = (destinationPort: number, syn = true): Partial<ArrivingQuestion> => ({
  protocol: 'tcp',
  sourcePort: 4242,
  destinationPort,
  ...(syn && { syn }),
});

describe('trace on a network node', () => {
  it('reports every hop of an allowed packet', () => {
    const found = ask(tcp(80));
    expect(found).toMatchObject({ verdict: 'sent', next: { node: 'hv2' }, path: 'fastpath', port: null });
    expect(found.steps.map((step) => `${step.node} ${step.step} ${step.verdict}`)).toEqual([
      ...['sid', 'route', 'flow', 'policy', 'encap', 'outer', 'neighbour', 'mtu'].map(
        (step) => `${node.name} ${step} pass`,
      ),
      ...['sid', 'deliver'].map((step) => `hv2 ${step} planned`),
    ]);
    expect(detail(found, 'route')).toMatchObject({ prefix: '10.1.0.0/24', from: 'red', to: 'blue' });
    expect(detail(found, 'flow')).toMatchObject({ known: false });
    expect(detail(found, 'policy')).toMatchObject({ policy: 'web', action: 'allow' });
    expect(detail(found, 'encap')).toMatchObject({
      segments: ['fd00:5e:2:4600:c8::'],
      source: 'fd00:5e:91::1',
      outer: 124,
    });
    expect(detail(found, 'mtu')).toMatchObject({ uplinkMtu: 1500, tenantMtu: 1460 });
  });

  it.each([
    [tcp(8080), 'policy', 'denied by policy no-admin (policy on '],
    [tcp(81), 'no-policy-match', 'no policy from red to blue matches the packet'],
    [{ tenant: 'blue', from: '10.1.0.2', to: '203.0.113.1' }, 'no-policy', 'no policy between blue and the owner of'],
    [{ ...tcp(80), to: '10.1.0.77' }, 'far-no-member', 'no member of blue has 10.1.0.77'],
  ] satisfies [Partial<ArrivingQuestion>, string, string][])('%j is dropped: %s', (question, reason, words) => {
    const found = ask(question);
    expect(found).toMatchObject({ verdict: 'dropped', reason });
    expect(found.text).toContain(words);
  });

  it('reports a packet without a connection that opens none', () => {
    const words = new Set<string>();
    for (let sourcePort = 6000; sourcePort < 6020; sourcePort++) {
      const { verdict, reason, text } = ask({ ...tcp(80, false), sourcePort });
      words.add(`${verdict} ${reason ?? ''} ${text}`);
    }
    // Whichever of the two its hash names: the other may know it.
    expect([...words]).toEqual(['sent  handed on to nn2, which drops it unless it knows the connection: trace there']);
  });

  it('finds the connection of a packet in both directions', () => {
    node.toBlue(4242, 80, SYN);
    node.toRed(80, 4242, SYN | ACK);
    node.toBlue(4242, 80, ACK);
    const forth = ask(tcp(80, false));
    expect(forth).toMatchObject({ verdict: 'sent' });
    expect(detail(forth, 'flow')).toMatchObject({ known: true, state: 'ESTABLISHED', openedHere: true, policy: 'web' });
    const back = ask({
      tenant: 'blue',
      from: '10.1.0.2',
      to: '10.0.0.2',
      protocol: 'tcp',
      sourcePort: 80,
      destinationPort: 4242,
    });
    expect(back).toMatchObject({ verdict: 'sent', next: { node: 'hv1' } });
    expect(detail(back, 'flow')).toMatchObject({ known: true, openedHere: false });
    expect(back.steps.find(({ step }) => step === 'policy')?.text).toBe('allowed by policy web, as a reply');
  });

  it('reports the way to an external network', () => {
    const found = ask({ to: '192.0.2.7', protocol: 'udp', destinationPort: 53 });
    expect(detail(found, 'policy')).toMatchObject({ policy: 'out', to: 'external:dc' });
    expect(found).toMatchObject({ verdict: 'delivered', text: 'to external:dc by eth1 of this node' });
  });

  it('counts nothing and creates no connection', () => {
    const { fastpath } = node.instance.kernel;
    const { maps } = fastpath;
    if (maps === undefined) throw new Error('no maps');
    const state = (): unknown => [
      // Multicast listener reports and router solicitations of the links' far ends arrive at any time.
      reasonCounts(maps).filter(({ slug }) => slug !== 'pass-host'),
      [...policyHits(node.instance.kernel)],
      counts(fastpath.steering.make()),
    ];
    const before = state();
    ask(tcp(80));
    ask(tcp(8080));
    ask(tcp(81));
    expect(state()).toEqual(before);
  });

  it('agrees with the program and with decide() on the sets in force', () => {
    const sets = policySetsInForce(node.instance.kernel.fastpath.steering);
    const set = sets.get('100 200');
    if (set === undefined) throw new Error('no set');
    let source = 5000;
    for (const destinationPort of [79, 80, 81, 7999, 8000, 8079, 8080, 8081, 8100, 8101, 0, 65_535]) {
      source += 1;
      const { verdict } = ask({ ...tcp(destinationPort), sourcePort: source });
      const sent = node.toBlue(source, destinationPort, SYN);
      expect({ destinationPort, verdict }).toEqual({
        ...{ destinationPort, verdict: sent === 'redirect' ? 'sent' : 'dropped' },
      });
      const opening = { source: '10.0.0.2', destination: '10.1.0.2', protocol: 6, destinationPort };
      expect(decide(set, opening)?.allow === true).toBe(sent === 'redirect');
    }
    for (const destinationPort of [52, 53, 54]) {
      const { verdict, reason } = ask({ protocol: 'udp', sourcePort: 4000, destinationPort });
      const packet = ip4({
        from: '10.0.0.2',
        to: '10.1.0.2',
        payload: udp({ source: 4000, destination: destinationPort }),
      });
      const sent = node.send('red', packet);
      // What may be an answer goes to the network node that its hash names, which is as much.
      if (sent === 'redirect' && verdict === 'dropped') expect(reason).toBe('no-policy-match');
      else expect(verdict).toBe(sent === 'redirect' ? 'sent' : 'dropped');
    }
  });

  it.each([
    [
      ['-t', 'red', '--from', '10.0.0.2', '--to', '10.1.0.2', '--proto', 'tcp', '--syn', '--dport', '80'],
      0,
      'sent: hv2 should deliver it to blue-a (by the intent)',
    ],
    [
      ['-t', 'red', '--from', '10.0.0.2', '--to', '10.1.0.2', '--proto', 'tcp', '--syn', '--dport', '8080'],
      1,
      'dropped: denied by policy no-admin (policy on ',
    ],
    [['-t', 'green', '--from', '10.0.0.2', '--to', '10.1.0.2'], 2, '--tenant green: expected one of blue red'],
    [['--to', '10.1.0.2'], 2, 'expected --port, or on a network node --tenant with --from'],
  ])('%j: exit %i', async (args, code, words) => {
    const found = await node.segue('trace', ...args);
    expect(found.output).toContain(words);
    expect(found.code).toBe(code);
  });
});
