import { describe, expect, it } from 'vitest';
import { showContext } from '../../src/observe/inspect/context.js';
import { trace } from '../../src/observe/trace/trace.js';
import { familyOf } from 'netlink-ts/inet';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';
import type { Topology } from '../../lab/topology.js';
import type { Trace, TraceReason } from '../../src/observe/trace/types.js';
import type { Behaviours, Intent } from '../../src/intent/types.js';

/** The selftest's network with a second VM of t100 on hv1, and a network behind t100-2. */
function topology(): Omit<Topology, 'prefix'> {
  const base = selftestTopology();
  const vms = base.vms.map((vm) => (vm.name === 't100-2' ? { ...vm, prefixes: ['192.168.7.0/24'] } : vm));
  const addresses = ['10.0.0.5', 'cafe::5'];
  return {
    ...base,
    vms: [...vms, { name: 't100-5', tenant: 't100', node: 'hv1', mac: '02:00:00:00:00:05', addresses }],
  };
}

interface Case {
  to: string;
  size?: number;
  from?: string;
  verdict: 'delivered' | 'sent' | TraceReason;
}

/** Inner bytes of an echo request's headers: IP and ICMP. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;
const MTU = 1460;

describe('trace agrees with forwarding', () => {
  const network = useNetwork(topology());
  const ask = (
    to: string,
    more: { size?: number; from?: string; intent?: Intent | undefined } = {},
  ): Promise<Trace> => {
    const { size = 84, from, intent = network.intent() } = more;
    const context = showContext(network.instance('hv1'), intent);
    return trace(context, intent, { port: 't100-1', to, size, ...(from !== undefined && { from }) });
  };
  const said = async (question: Omit<Case, 'verdict'>): Promise<string> => {
    const { verdict, reason } = await ask(question.to, question);
    return reason ?? verdict;
  };

  const CASES: [what: string, question: Case][] = [
    ['a remote member', { to: '10.0.0.2', verdict: 'sent' }],
    ['a remote member over IPv6', { to: 'cafe::2', verdict: 'sent' }],
    ['a member on the same node', { to: '10.0.0.5', verdict: 'delivered' }],
    ['a member on the same node over IPv6', { to: 'cafe::5', verdict: 'delivered' }],
    ['a prefix behind a remote member', { to: '192.168.7.9', verdict: 'sent' }],
    ['the gateway', { to: '10.0.0.254', verdict: 'delivered' }],
    ['the gateway over IPv6', { to: 'cafe::254', verdict: 'delivered' }],
    ['the largest packet', { to: '10.0.0.2', size: MTU, verdict: 'sent' }],
    ['the largest packet over IPv6', { to: 'cafe::2', size: MTU, verdict: 'sent' }],
    ['a byte more', { to: '10.0.0.2', size: MTU + 1, verdict: 'black-hole' }],
    ['a byte more over IPv6', { to: 'cafe::2', size: MTU + 1, verdict: 'black-hole' }],
    ['a byte more on the same node', { to: '10.0.0.5', size: MTU + 1, verdict: 'too-big-for-port' }],
    ['a byte more on the same node over IPv6', { to: 'cafe::5', size: MTU + 1, verdict: 'too-big-for-port' }],
    ['an unused address', { to: '10.0.0.77', verdict: 'no-member' }],
    ['an unused IPv6 address', { to: 'cafe::77', verdict: 'no-member' }],
    ['an Internet address', { to: '203.0.113.1', verdict: 'no-route' }],
    ["another tenant's SID", { to: 'fd00:5e:2:4600:c8::', verdict: 'domain-address' }],
    ['a forged source', { to: '10.0.0.2', from: '10.0.0.99', verdict: 'source-not-port' }],
    ['a forged IPv6 source', { to: 'cafe::2', from: 'cafe::99', verdict: 'source-not-port' }],
    ['a multicast group', { to: '239.1.2.3', verdict: 'link-scope' }],
  ];

  it.each(CASES)('%s', async (_what, { verdict, ...question }) => {
    expect(await said(question)).toBe(verdict);
    const { sent, received } = await send(network, question);
    expect({ sent, received }).toEqual({ sent: 1, received: verdict === 'delivered' || verdict === 'sent' ? 1 : 0 });
  });

  it('names every hop, those of the remote node by its plan', async () => {
    const { steps, text } = await ask('10.0.0.2');
    const [hv1, hv2] = [network.netns('hv1'), network.netns('hv2')];
    expect(steps.map(({ node, step }) => `${node} ${step}`)).toEqual([
      ...['port', 'guard', 'route', 'encap', 'outer', 'mtu', 'neighbour'].map((step) => `${hv1} ${step}`),
      ...['sid', 'deliver'].map((step) => `${hv2} ${step}`),
    ]);
    const detail = (step: string): unknown => steps.find((one) => one.step === step)?.detail;
    expect(detail('encap')).toMatchObject({
      mode: 'encap.red',
      segments: ['fd00:5e:2:4600:64::'],
      source: 'fd00:5e:1::1',
      outer: 124,
    });
    expect(detail('outer')).toMatchObject({ device: 'eth0', via: 'fd00:ffff:1::1', table: 254 });
    expect(detail('sid')).toMatchObject({ sid: 'fd00:5e:2:4600:64::', behaviour: 'End.DT46' });
    expect(detail('deliver')).toMatchObject({ device: 't100-2', mac: '02:00:00:00:00:02' });
    expect(text).toContain(`${hv2} should deliver it to t100-2 (by the intent)`);
  });

  it('follows the packet to the uplink without the intent', async () => {
    const context = showContext(network.instance('hv1'), undefined);
    const found = await trace(context, undefined, { port: 't100-1', to: '10.0.0.2', size: 84 });
    expect(found).toMatchObject({ verdict: 'sent', tenant: 't100', from: '10.0.0.1' });
  });

  it('refuses a port of another node', async () => {
    const context = showContext(network.instance('hv1'), network.intent());
    const elsewhere = trace(context, network.intent(), { port: 't100-2', to: '10.0.0.1', size: 84 });
    await expect(elsewhere).rejects.toThrow(`--port t100-2: it is on ${network.netns('hv2')}`);
  });

  const BREAKAGES: [what: string, script: string, verdict: TraceReason, to: string][] = [
    ['no rule 990', 'ip -6 rule del pref 990', 'outer-unreachable', '10.0.0.2'],
    ['no route to the locator', 'ip -6 route add unreachable fd00:5e:2::/48', 'outer-unreachable', 'cafe::2'],
    ['the port out of its VRF', 'ip link set t100-1 nomaster', 'port-detached', '10.0.0.2'],
    ['the port down', 'ip link set t100-1 down', 'port-down', '10.0.0.2'],
    ["the local member's port down", 'ip link set t100-5 down', 'destination-down', 'cafe::5'],
    [
      'a blackhole instead of a member’s route',
      'ip route add blackhole 10.0.0.2/32 table $((0x5e000064)) metric 0',
      'not-as-intended',
      '10.0.0.2',
    ],
  ];

  it.each(BREAKAGES)('%s', async (_what, script, verdict, to) => {
    const { verdict: sound } = await ask(to);
    await network.shell('hv1', script.replace('route add blackhole', 'route replace blackhole'));
    try {
      expect((await ask(to)).reason).toBe(verdict);
      expect(await send(network, { to })).toMatchObject({ received: 0 });
    } finally {
      await network.shell('hv1', 'ip -6 route del unreachable fd00:5e:2::/48 2>/dev/null || true');
      await network.apply('hv1');
    }
    expect((await ask(to)).verdict).toBe(sound);
    expect((await network.ping('t100-1', to, { count: 3 })).received).toBeGreaterThan(0);
  });
});

describe('trace along a path of three segments, with End.DT4 and End.DT6', () => {
  const separate: Behaviours = ['dt4', 'dt6'];
  const network = useNetwork(selftestTopology({ transits: 2, behaviours: { hv1: separate, hv2: separate } }));
  /** 1500 less the outer header and a routing header of two segments. */
  const largest = 1500 - 40 - (8 + 2 * 16);

  it.each([
    ['10.0.0.2', 'End.DT4', 'fd00:5e:2:400:64::'],
    ['cafe::2', 'End.DT6', 'fd00:5e:2:600:64::'],
  ])('%s by %s', async (to, behaviour, sid) => {
    const intent = network.intent();
    const ask = (size: number): Promise<Trace> =>
      trace(showContext(network.instance('hv1'), intent), intent, { port: 't100-1', to, size });
    const { steps, verdict } = await ask(largest);
    expect(verdict).toBe('sent');
    const detail = (step: string): unknown => steps.find((one) => one.step === step)?.detail;
    expect(detail('encap')).toMatchObject({ segments: ['fd00:5e:91:1::', 'fd00:5e:92:1::', sid], outer: 1500 });
    expect(detail('outer')).toMatchObject({ to: 'fd00:5e:91:1::' });
    expect(detail('sid')).toMatchObject({ sid, behaviour });
    expect(await send(network, { to, size: largest })).toMatchObject({ sent: 1, received: 1 });
    expect(await ask(largest + 1)).toMatchObject({ verdict: 'dropped', reason: 'black-hole' });
    expect(await send(network, { to, size: largest + 1 })).toMatchObject({ sent: 1, received: 0 });
  });
});

/** One echo request from t100-1, of a size, that nobody may fragment; from another source, which the VM has meanwhile. */
async function send(
  network: TestNetwork,
  { to, size = 84, from }: Omit<Case, 'verdict'>,
): Promise<{ sent: number; received: number }> {
  const family = familyOf(to);
  const options = { size: size - HEADER_BYTES[family], args: ['-M', 'do'] };
  if (from === undefined) return network.ping('t100-1', to, options);
  const forged = `${from}/${family === 4 ? 32 : 128} dev eth0`;
  await network.ip('t100-1', `address add ${forged}${family === 6 ? ' nodad' : ''}`);
  try {
    return await network.ping('t100-1', to, { ...options, source: from });
  } finally {
    // Left there, it would be the source of all that follows: the longest match (RFC 6724 section 5, rule 8).
    await network.ip('t100-1', `address del ${forged}`);
  }
}
