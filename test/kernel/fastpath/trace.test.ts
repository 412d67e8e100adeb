/** `segue trace` with a fast path: its result for a packet is the program's result, and nothing is counted. */
import { describe, expect, it } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { Instance } from '../../../src/agent/instance.js';
import { loadIntent } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { buildFrame } from '../../../src/observe/trace/synthetic-packet.js';
import { Bench, MACS, MTU, PATHS } from './bench.js';
import { Node } from './node.js';
import { run } from '../libbpf/harness.js';
import type { Question, Trace } from '../../../src/observe/trace/types.js';

/** With the other VM's interface, and an uplink where the bench's next hops are. */
function setUp(): { bench: Bench; node: Node; ask: (question: Partial<Question>) => Promise<Trace> } {
  const bench = new Bench();
  for (const [name, index] of [
    ['vb', 77],
    ['u0', 500],
  ] as const) {
    run(bench.netns, 'ip', 'link', 'add', name, 'index', String(index), 'type', 'veth', 'peer', `${name}-peer`);
    for (const link of [name, `${name}-peer`]) run(bench.netns, 'ip', 'link', 'set', link, 'up');
  }
  const node = new Node(bench).pin();
  return { bench, node, ask: (question) => askNode(node, question) };
}

async function askNode(node: Node, question: Partial<Question>): Promise<Trace> {
  const config = loadNodeConfig(node.file('node.yaml'));
  const intent = loadIntent(config.intent);
  const instance = new Instance(config);
  try {
    return await trace(showContext(instance, intent), intent, { port: 'red-a', to: '10.0.0.2', size: 84, ...question });
  } finally {
    instance.close();
  }
}

const detail = ({ steps }: Trace, step: string): unknown => steps.find((one) => one.step === step)?.detail;

describe('trace through the program of a port', () => {
  it('reports every hop and the headers of the frame that leaves', async () => {
    const { node, ask } = setUp();
    const found = await ask({});
    expect(found).toMatchObject({ path: 'fastpath', verdict: 'sent', protocol: 'icmp' });
    expect(found.text).toContain('far should deliver it to far-a (by the intent)');
    expect(found.next).toEqual({
      node: 'far',
      command: 'segue trace --port far-a --from 10.0.0.2 --to 10.0.0.1',
    });
    expect(found.steps.map((step) => `${step.node} ${step.step} ${step.verdict}`)).toEqual([
      ...['port', 'guard', 'route', 'encap', 'outer', 'neighbour', 'mtu'].map(
        // The maps here are a bench's: the kernel has no such route.
        (step) => `${node.name} ${step} ${step === 'outer' ? 'warn' : 'pass'}`,
      ),
      ...['sid', 'deliver'].map((step) => `far ${step} planned`),
    ]);
    expect(detail(found, 'port')).toMatchObject({ device: 'v0', program: 'segue_port', tenant: 100, mtu: MTU });
    expect(detail(found, 'route')).toMatchObject({ prefix: '10.0.0.2/32', device: 'u0' });
    expect(detail(found, 'encap')).toEqual({
      mode: 'encap.red',
      segments: PATHS[2],
      source: 'fd00:5e:1::1',
      inner: 84,
      overhead: 40,
      outer: 124,
      node: 'far',
    });
    expect(detail(found, 'neighbour')).toMatchObject({ device: 'u0', mac: MACS.router, source: MACS.uplink });
    expect(detail(found, 'mtu')).toMatchObject({ uplinkMtu: 1564, tenantMtu: MTU, largest: MTU });
    expect(detail(found, 'deliver')).toMatchObject({ device: 'f0', port: 'far-a' });
  });

  it('lists segments in travel order', async () => {
    const { ask } = setUp();
    const found = await ask({ to: 'cafe::5' });
    expect(detail(found, 'encap')).toMatchObject({ segments: PATHS[5], overhead: 40 + 8 + 48 });
    expect(found).toMatchObject({ verdict: 'dropped', reason: 'far-no-member', path: 'fastpath' });
  });

  it('reports a prefix and a port of this node', async () => {
    const { ask } = setUp();
    expect(detail(await ask({ to: '172.16.5.1' }), 'encap')).toMatchObject({ segments: PATHS[3] });
    const local = await ask({ to: 'cafe::7' });
    expect(local).toMatchObject({ verdict: 'delivered', text: 'to red-b on this node', path: 'fastpath' });
    expect(detail(local, 'deliver')).toMatchObject({ device: 'vb', mac: MACS.otherVm, mtu: MTU });
  });

  it('handles packets larger than a test run accepts', async () => {
    const { bench, ask } = setUp();
    bench.setPort({ mtu: 9000 });
    bench.setUnderlay(1, [MACS.router], 9100);
    for (const to of ['10.0.0.2', 'cafe::2']) {
      expect(await ask({ to, size: 9000 })).toMatchObject({ path: 'fastpath' });
      expect(detail(await ask({ to, size: 9000 }), 'encap')).toMatchObject({ inner: 9000, outer: 9040 });
      expect((await ask({ to, size: 9001 })).steps).toMatchObject([
        { step: 'port' },
        { step: 'guard' },
        {
          step: 'fastpath',
          text: expect.stringMatching(/^answered with ICMP type [23] code [04]: too big$/) as string,
        },
      ]);
    }
    expect((await ask({ size: 65_535 })).steps[2]?.text).toContain('too big');
  });

  it.each([
    [{ from: '10.0.0.66' }, 'source-not-port'],
    [{ to: 'fd00:5e:2:4600:65::' }, 'domain-address'],
    [{ to: '10.0.0.2', ttl: 1 }, 'hop-limit'],
    [{ to: '10.0.0.2', ttl: 2 }, 'hop-limit'],
    [{ to: 'cafe::2', ttl: 2 }, 'hop-limit'],
    [{ to: 'cafe::2', size: 40 }, 'fastpath-malformed'],
  ] satisfies [Partial<Question>, string][])('%j is dropped: %s', async (question, reason) => {
    const { ask } = setUp();
    expect(await ask(question)).toMatchObject({ verdict: 'dropped', reason, path: 'fastpath' });
  });

  it.each([
    [{ to: '10.0.0.99' }, 'no member'],
    [{ to: '10.0.0.8' }, 'unresolved'],
    [{ to: '224.0.0.251' }, 'not routed'],
  ] satisfies [Partial<Question>, string][])('%j is punted to the kernel: %s', async (question, reason) => {
    const { ask } = setUp();
    const found = await ask(question);
    expect(found.steps[1]).toMatchObject({ step: 'fastpath', verdict: 'pass', detail: { verdict: 'punt', reason } });
    // The kernel's part: this interface is in no VRF.
    expect(found).toMatchObject({ path: 'kernel', verdict: 'dropped', reason: 'port-detached' });
  });

  it.each([
    {},
    { protocol: 'tcp' },
    { protocol: 'udp', destinationPort: 53 },
    { to: 'cafe::2', protocol: 'udp' },
  ] as const)('uses a packet as the VM would send it: %j', async (question) => {
    const { bench, ask } = setUp();
    expect(await ask(question)).toMatchObject({ verdict: 'sent' });
    const to = 'to' in question ? question.to : '10.0.0.2';
    const from = to.includes(':') ? 'cafe::1' : '10.0.0.1';
    const frame = buildFrame({ ...question, size: 84, to, from }, { vm: MACS.vm, gateway: MACS.port });
    expect(bench.send('port_tc', frame)).toMatchObject({ verdict: 'redirect', counted: { 'forward forwarded': 1 } });
  });

  it('counts nothing and uses no trace session', async () => {
    const { bench, ask } = setUp();
    await ask({});
    await ask({ to: '10.0.0.99' });
    expect(reasonCounts(bench.maps).filter(({ packets }) => packets > 0)).toEqual([]);
    expect(bench.traffic(0)).toEqual({ tx: [0, 0], rx: [0, 0] });
  });

  it('reports that the interface is down', async () => {
    const { bench, ask } = setUp();
    run(bench.netns, 'ip', 'link', 'set', 'v0', 'down');
    expect(await ask({})).toMatchObject({ verdict: 'dropped', reason: 'port-down' });
    run(bench.netns, 'ip', 'link', 'set', 'v0', 'up');
    run(bench.netns, 'ip', 'link', 'set', 'u0', 'down');
    expect(await ask({})).toMatchObject({ verdict: 'dropped', reason: 'outer-unreachable' });
    run(bench.netns, 'ip', 'link', 'set', 'vb', 'down');
    expect(await ask({ to: '10.0.0.7' })).toMatchObject({ verdict: 'dropped', reason: 'destination-down' });
  });
});

describe('the command', () => {
  it.each([
    [
      ['-p', 'red-a', '--to', '10.0.0.2', '--proto', 'udp', '--dport', '53'],
      0,
      'sent: far should deliver it to far-a (by the intent)',
    ],
    [['-p', 'red-a', '--to', '10.0.0.2', '--from', '10.0.0.9'], 1, 'dropped: 10.0.0.9 is not an address of red-a'],
    [['-p', 'nobody', '--to', '10.0.0.2'], 2, '--port nobody: expected a port of '],
    [['-p', 'red-a', '--to', '10.0.0.2', '--size', '9'], 2, '--size 9: expected bytes from 20 to 65535'],
    [['-p', 'red-a', '--to', '10.0.0.2', '--from', 'cafe::1'], 2, '--from cafe::1: expected an address of the family'],
  ])('%j: exit %i', async (args, code, words) => {
    const { node } = setUp();
    const command = node.start('trace', ...args);
    await command.wait();
    expect(command.output).toContain(words);
    expect(command.child.exitCode).toBe(code);
  });
});
