/**
 * Hosts of the underlay that are no nodes, and nodes that forge sources: real frames from the underlay's router to the
 * SIDs of hypervisors and network nodes, at tcx and XDP. Each frame that a check drops arrives without the check.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { applyOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { steeringTopology } from '../../../lab/steering.js';
import { ROUTER } from '../../../lab/topology.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { tunnelled } from '../../netns/lib/frames.js';
import { A, B, isolationTopology, MARK } from '../../netns/lib/isolation.js';
import { useNetwork } from '../../netns/lib/network.js';
import { Witness } from '../../netns/lib/probe.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import { ethernet, IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { echo } from '../steer/icmp.js';
import type { Intent, IntentNode } from '../../../src/intent/types.js';
import type { TestNetwork } from '../../netns/lib/network.js';
import { scopeTo } from '../../../src/app/intent.js';

const STRANGER = 'fd00:ffff:99::1';
const NODE = 'fd00:5e:2::1';
const OWN = 'fd00:5e:1::1';
const NEW_SOURCE = 'fd00:5e:2::2';
const ROUTER_MAC = '02:00:00:00:99:99';
const FIRST = 'prerouting priority -400';
const MATCHES = {
  datagram: `udp dport ${MARK}`,
  segment: `tcp dport ${MARK}`,
  ping4: 'icmp type echo-request icmp id 4242',
  ping6: 'icmpv6 type echo-request icmpv6 id 4242',
} as const;

type Kind = keyof typeof MATCHES;

const PACKETS: readonly { kind: Kind; make: (from: Addresses, to: Addresses) => Buffer }[] = [
  { kind: 'datagram', make: (from, to) => ip4({ from: from[4], to: to[4], payload: udp({ destination: MARK }) }) },
  { kind: 'datagram', make: (from, to) => ip6({ from: from[6], to: to[6], payload: udp({ destination: MARK }) }) },
  { kind: 'segment', make: (from, to) => ip4({ from: from[4], to: to[4], protocol: IP.tcp, payload: syn() }) },
  { kind: 'segment', make: (from, to) => ip6({ from: from[6], to: to[6], next: IP.tcp, payload: syn() }) },
  { kind: 'ping4', make: (from, to) => ip4({ from: from[4], to: to[4], protocol: IP.icmp, payload: echo(8, 4242) }) },
  { kind: 'ping6', make: (from, to) => ip6({ from: from[6], to: to[6], next: IP.icmp6, payload: echo(128, 4242) }) },
];

interface Addresses {
  4: string;
  6: string;
}

const syn = (): Buffer => tcp({ destination: MARK, flags: 2, size: 0 });

/** Frames from the router to a node's uplink, as the underlay would bring them. */
function send(network: TestNetwork, node: string, packet: Buffer, mac = macOf(network.netns(node), 'eth0')): void {
  sendFrames(network.netns(ROUTER), node, [ethernet(packet, { to: mac, from: ROUTER_MAC })]);
}

/** Applies a node's intent once more, with its check of outer sources or without. */
async function applyChecking(network: TestNetwork, name: string, checks: boolean): Promise<void> {
  const config = network.config(name);
  const instance = new Instance(checks ? config : { ...config, sourceCheck: false });
  try {
    const { failures } = await applyOnce(instance, scopeTo(network.intent(), config.node));
    expect(failures).toEqual([]);
  } finally {
    instance.close();
  }
}

describe.each(['never', 'always'] as const)('a hypervisor, with xdp: %s', (xdp) => {
  const topology = isolationTopology();
  const nodes = topology.nodes.map((node) => ({ ...node, dataplane: 'ebpf' as const, xdp }));
  const network = useNetwork({ ...topology, nodes });
  const red = 'fd00:5e:1:4600:64::';
  let vm: Witness;
  /** How many of a packet sent once arrive, and under which reasons the rest was dropped. */
  const fate = async (kind: Kind, packet: Buffer, mac?: string): Promise<[number, string[]]> => {
    const before = fastpathCounts(network, 'hv1');
    const arrived = await vm.countOf(kind, () => send(network, 'hv1', packet, mac));
    const { reasons } = since(before, fastpathCounts(network, 'hv1'));
    return [arrived, Object.keys(reasons).filter((reason) => reason.startsWith('drop'))];
  };

  beforeAll(async () => {
    vm = await Witness.place(network, 'red-a', FIRST, MATCHES);
  });

  it('is reached by no host of the underlay, nor by its own address', async () => {
    for (const { kind, make } of PACKETS) {
      const inner = make(B, A);
      expect(await fate(kind, tunnelled(NODE, red, inner))).toEqual([1, []]);
      for (const source of [STRANGER, OWN, 'fd00:ffff:1::1']) {
        expect(await fate(kind, tunnelled(source, red, inner)), source).toEqual([0, ['drop untrusted source']]);
      }
    }
    await applyChecking(network, 'hv1', false);
    for (const { kind, make } of PACKETS) {
      for (const source of [STRANGER, OWN]) expect((await fate(kind, tunnelled(source, red, make(B, A))))[0]).toBe(1);
    }
    await applyChecking(network, 'hv1', true);
    // This test's own hold on the node knows the programs from before.
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    expect((await fate('datagram', tunnelled(STRANGER, red, ip4({ from: B[4], to: A[4] }))))[1]).toEqual([
      'drop untrusted source',
    ]);
  });

  it.each([
    ['the loopback', { 4: '127.0.0.1', 6: '::1' }],
    ['the VM itself', A],
    ['the gateway', { 4: '10.0.0.1', 6: 'fd00:10::1' }],
    ['a multicast group', { 4: '224.0.0.1', 6: 'ff02::1' }],
  ] as const)('delivers nothing from %s', async (_what, from) => {
    for (const { kind, make } of PACKETS) {
      expect(await fate(kind, tunnelled(NODE, red, make(from, A)))).toEqual([0, ['drop inner source']]);
    }
  });

  it('ignores frames for another MAC address', async () => {
    for (const { kind, make } of PACKETS) {
      for (const mac of ['02:00:00:00:77:77', 'ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01']) {
        expect(await fate(kind, tunnelled(NODE, red, make(B, A)), mac)).toEqual([0, []]);
      }
    }
  });

  it('takes frames for the current MAC address of its uplink', async () => {
    const old = macOf(network.netns('hv1'), 'eth0');
    await network.ip('hv1', 'link set eth0 address 02:00:00:00:55:55');
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    const inner = ip4({ from: B[4], to: A[4], payload: udp({ destination: MARK }) });
    expect((await fate('datagram', tunnelled(NODE, red, inner)))[0]).toBe(1);
    expect(await fate('datagram', tunnelled(NODE, red, inner), old)).toEqual([0, []]);
    await network.ip('hv1', `link set eth0 address ${old}`);
    await network.apply('hv1');
    expect((await fate('datagram', tunnelled(NODE, red, inner)))[0]).toBe(1);
  });

  it('loses no packet while a node changes its outer source', async () => {
    const with2 = (change: Partial<IntentNode>): Intent => ({
      ...network.intent(),
      nodes: network.intent().nodes.map((one) => (one.name === network.netns('hv2') ? { ...one, ...change } : one)),
    });
    // Addresses to send from, before the router has a way back to them.
    const steps = [
      with2({ acceptedSources: [NEW_SOURCE] }),
      with2({ source: NEW_SOURCE, acceptedSources: [NODE] }),
      with2({ source: NEW_SOURCE }),
    ];
    expect(await network.ping('red-b', A[4], { count: 1 })).toMatchObject({ received: 1 });
    const traffic = network.run('red-b', ['ping', '-n', '-i', '0.01', '-w', '6', '-q', A[4]]);
    const sent = network.run('red-a', ['ping', '-n', '-i', '0.01', '-w', '6', '-q', B[4]]);
    for (const intent of steps) for (const name of ['hv1', 'hv2']) await network.apply(name, intent);
    for (const { stdout } of [await traffic, await sent]) {
      const [, all = '', received = ''] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
      // The last request may be on its way when ping ends.
      expect(Number(all) - Number(received)).toBeLessThanOrEqual(1);
      expect(Number(all)).toBeGreaterThan(100);
    }
    const inner = ip4({ from: B[4], to: A[4], payload: udp({ destination: MARK }) });
    expect(await fate('datagram', tunnelled(NODE, red, inner))).toEqual([0, ['drop untrusted source']]);
    expect((await fate('datagram', tunnelled(NEW_SOURCE, red, inner)))[0]).toBe(1);
    for (const name of ['hv1', 'hv2']) await network.apply(name);
  });

  it('takes packets from a node that had no port of the tenant', async () => {
    const intent = network.intent();
    const hv3: IntentNode = { name: 'hv3', locator: 'fd00:5e:3::/48', source: 'fd00:5e:3::1' };
    const inner = ip4({ from: '10.0.0.33', to: A[4], payload: udp({ destination: MARK }) });
    const moved = tunnelled(hv3.source, red, inner);
    expect(await fate('datagram', moved)).toEqual([0, ['drop untrusted source']]);
    await network.apply('hv1', { ...intent, nodes: [...intent.nodes, hv3] });
    expect((await fate('datagram', moved))[0]).toBe(1);
    await network.apply('hv1');
    expect(await fate('datagram', moved)).toEqual([0, ['drop untrusted source']]);
  });
});

describe.each(['never', 'always'] as const)('a network node, with xdp: %s', (xdp) => {
  const topology = steeringTopology('ebpf');
  const nodes = topology.nodes.map((node) => ({ ...node, xdp }));
  const network = useNetwork({ ...topology, nodes });
  const red = 'fd00:5e:91:4600:64::';
  const RED_A: Addresses = { 4: '10.1.0.10', 6: 'fd00:1::a' };
  const BLUE_B: Addresses = { 4: '10.2.0.20', 6: 'fd00:2::b' };
  const HV1 = 'fd00:5e:1::1';
  let vm: Witness;
  const fate = async (kind: Kind, packet: Buffer): Promise<[number, string[]]> => {
    const before = fastpathCounts(network, 'nn1');
    const arrived = await vm.countOf(kind, () => send(network, 'nn1', packet));
    const { reasons } = since(before, fastpathCounts(network, 'nn1'));
    return [arrived, Object.keys(reasons).filter((reason) => reason.startsWith('drop'))];
  };
  // What red may send to blue.
  const allowed = PACKETS.filter(({ kind }) => kind.startsWith('ping'));

  beforeAll(async () => {
    vm = await Witness.place(network, 'blue-b', FIRST, MATCHES);
  });

  it('is reached by no host of the underlay, nor by its own address', async () => {
    for (const { kind, make } of allowed) {
      for (const source of [STRANGER, 'fd00:5e:91::1']) {
        const packet = tunnelled(source, red, make(RED_A, BLUE_B));
        expect(await fate(kind, packet), source).toEqual([0, ['drop untrusted source']]);
      }
      expect(await fate(kind, tunnelled(HV1, red, make(RED_A, BLUE_B)))).toEqual([1, []]);
    }
    await applyChecking(network, 'nn1', false);
    for (const { kind, make } of allowed) {
      expect((await fate(kind, tunnelled(STRANGER, red, make(RED_A, BLUE_B))))[0]).toBe(1);
    }
    await applyChecking(network, 'nn1', true);
    for (const { kind, make } of allowed) {
      expect((await fate(kind, tunnelled(STRANGER, red, make(RED_A, BLUE_B))))[0]).toBe(0);
    }
  });

  it.each([
    ['of blue', { 4: '10.2.0.10', 6: 'fd00:2::a' }],
    ['of the external network', { 4: '203.0.113.10', 6: '2001:db8:dc::10' }],
    ['that nobody has', { 4: '198.51.100.7', 6: '2001:db8:ffff::7' }],
    ['of the loopback', { 4: '127.0.0.1', 6: '::1' }],
  ] as const)('drops packets for red’s SID from an address %s', async (_what, from) => {
    for (const { kind, make } of allowed) {
      expect(await fate(kind, tunnelled(HV1, red, make(from, BLUE_B)))).toEqual([0, ['drop inner source']]);
    }
  });
});
