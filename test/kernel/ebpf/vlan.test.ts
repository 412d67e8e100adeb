/**
 * Frames with VLAN tags, in the frame or beside it, one tag or two, at uplinks and ports: none is decapsulated or
 * encapsulated. Those at the uplink are left to the host; a priority tag is no VLAN.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROUTER } from '../../../lab/topology.js';
import { attachTcx } from 'libbpf-ts';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import { Witness } from '../../netns/lib/probe.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { encapsulated, ethernet, IP, ip4, ip6, tagged, tcp, udp } from '../fastpath/packets.js';
import { load } from '../libbpf/harness.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const [Q, AD] = [0x8100, 0x88a8] as const;
type Tag = readonly [type: typeof Q | typeof AD, control: number];
const VLAN = 200;
/** Priority 3, no VLAN. */
const PRIORITY = 3 << 13;

/** Tags in the frame, the first outside, and one that the sender's device has beside it or puts before these. */
interface Way {
  how: string;
  inFrame: readonly Tag[];
  pushed?: Tag;
}

const OF_VLANS: readonly Way[] = [
  { how: '802.1Q in the frame', inFrame: [[Q, VLAN]] },
  { how: '802.1ad in the frame', inFrame: [[AD, VLAN]] },
  {
    how: 'two tags in the frame',
    inFrame: [
      [AD, 5],
      [Q, VLAN],
    ],
  },
  {
    how: 'a priority tag before another',
    inFrame: [
      [Q, PRIORITY],
      [Q, VLAN],
    ],
  },
  {
    how: 'a priority tag behind another',
    inFrame: [
      [Q, VLAN],
      [Q, PRIORITY],
    ],
  },
  { how: '802.1Q pushed', inFrame: [], pushed: [Q, VLAN] },
  { how: '802.1ad pushed', inFrame: [], pushed: [AD, VLAN] },
  { how: 'a priority tag pushed before another', inFrame: [[Q, VLAN]], pushed: [Q, PRIORITY] },
];
const OF_NO_VLAN: readonly Way[] = [
  { how: 'no tag', inFrame: [] },
  { how: 'a priority tag in the frame', inFrame: [[Q, PRIORITY]] },
  { how: 'a priority tag of 802.1ad in the frame', inFrame: [[AD, PRIORITY]] },
  { how: 'a priority tag pushed', inFrame: [], pushed: [Q, PRIORITY] },
];

const ECHO = Buffer.from('0800f7ff00000000', 'hex');
const PROTOCOLS = ['of_udp', 'of_tcp', 'of_icmp', 'of_udp6'] as const;
/** One packet of each protocol, from 10.0.0.1 or cafe::1. */
const packetsTo = (last: number): Buffer[] => [
  ip4({ from: `10.0.0.${3 - last}`, to: `10.0.0.${last}`, payload: udp({ destination: 5000 }) }),
  ip4({ from: `10.0.0.${3 - last}`, to: `10.0.0.${last}`, protocol: IP.tcp, payload: tcp({ flags: 0x10 }) }),
  ip4({ from: `10.0.0.${3 - last}`, to: `10.0.0.${last}`, protocol: IP.icmp, payload: ECHO }),
  ip6({ from: `cafe::${3 - last}`, to: `cafe::${last}`, payload: udp({ destination: 5000 }) }),
];
const witnessed = (from: number): Record<(typeof PROTOCOLS)[number], string> => ({
  of_udp: `ip saddr 10.0.0.${from} udp dport 5000`,
  of_tcp: `ip saddr 10.0.0.${from} ip protocol tcp`,
  of_icmp: `ip saddr 10.0.0.${from} icmp type echo-request`,
  of_udp6: `ip6 saddr cafe::${from} udp dport 5000`,
});

/** Sends frames by a device of a namespace as a way says. */
function send(netns: string, device: string, frames: readonly Buffer[], { inFrame, pushed }: Way): void {
  const all = frames.map((frame) => [...inFrame].reverse().reduce((made, [type, id]) => tagged(made, id, type), frame));
  if (pushed === undefined) {
    sendFrames(netns, device, all);
    return;
  }
  const [tagType, tagControl] = pushed;
  const object = load('test/push_tag', { rodata: { tag_type: tagType, tag_control: tagControl } });
  const link = attachTcx(object.program('push_tag'), { interface: device, netns, direction: 'egress' });
  try {
    sendFrames(netns, device, all);
  } finally {
    link.close();
  }
}

async function counts(witness: Witness): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of PROTOCOLS) found[name] = await witness.count(name);
  return found;
}

/** What arrives of one packet of each protocol. */
async function arrivals(witness: Witness, sent: () => void): Promise<Record<string, number>> {
  const before = await counts(witness);
  await witness.countOf('of_udp6', sent);
  const after = await counts(witness);
  return Object.fromEntries(PROTOCOLS.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

const [NOTHING, ALL] = [0, 1].map((each) => Object.fromEntries(PROTOCOLS.map((name) => [name, each])));

async function ready(network: TestNetwork): Promise<void> {
  await network.applyAll();
  // Neighbours are known, and TCP is ours alone.
  for (const to of ['10.0.0.2', 'cafe::2']) await network.ping('t100-1', to);
}

describe.each(['never', 'always'] as const)('at an uplink, xdp: %s', (xdp) => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' }, xdp }), ready);
  const arriving = (): Buffer[] => {
    const macs = { to: macOf(network.netns('hv2'), 'eth0'), from: macOf(network.netns(ROUTER), 'hv2') };
    return packetsTo(2).map((inner) => ethernet(encapsulated(inner, ['fd00:5e:2:4600:64::'], 'fd00:5e:1::1'), macs));
  };
  let placed: Witness | undefined;
  const vm = async (): Promise<Witness> =>
    (placed ??= await Witness.place(network, 't100-2', 'prerouting priority -400', witnessed(1)));
  const fromRouter = (way: Way): void => {
    send(network.netns(ROUTER), 'hv2', arriving(), way);
  };

  it.each(OF_VLANS)('a frame of a VLAN is left to the host: $how', async (way) => {
    const witness = await vm();
    const before = fastpathCounts(network, 'hv2');
    expect(await arrivals(witness, () => fromRouter(way))).toEqual(NOTHING);
    const { reasons } = since(before, fastpathCounts(network, 'hv2'));
    expect(reasons['pass vlan']).toBeGreaterThanOrEqual(PROTOCOLS.length);
  });

  it.each(OF_NO_VLAN)('a frame of no VLAN arrives untagged: $how', async (way) => {
    const witness = await vm();
    const capture = await network.capture('t100-2', 'eth0', 'vlan');
    expect(await arrivals(witness, () => fromRouter(way))).toEqual(ALL);
    expect(await capture.stop()).toEqual([]);
  });
});

describe('XDP of a veth whose peer sends tags beside frames', () => {
  const topology = selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' }, xdp: 'always' });
  const network = useNetwork(topology, async (made) => {
    await ready(made);
    await made.shell(ROUTER, 'ethtool -K hv2 txvlan on tx-vlan-stag-hw-insert on');
  });

  it('does not see tags, and tcx drops the TCP frames that XDP has altered', async () => {
    const witness = await Witness.place(network, 't100-2', 'prerouting priority -400', witnessed(1));
    const macs = { to: macOf(network.netns('hv2'), 'eth0'), from: macOf(network.netns(ROUTER), 'hv2') };
    const frames = packetsTo(2).map((inner) =>
      ethernet(encapsulated(inner, ['fd00:5e:2:4600:64::'], 'fd00:5e:1::1'), macs),
    );
    const before = fastpathCounts(network, 'hv2');
    const seen = await arrivals(witness, () => {
      send(network.netns(ROUTER), 'hv2', frames, { how: '', inFrame: [], pushed: [Q, VLAN] });
    });
    expect(seen.of_tcp).toBe(0);
    expect(since(before, fastpathCounts(network, 'hv2')).reasons).toMatchObject({ 'drop vlan': 1 });
    // A priority tag is none there either.
    const priority = await arrivals(witness, () => {
      send(network.netns(ROUTER), 'hv2', frames, { how: '', inFrame: [], pushed: [Q, PRIORITY] });
    });
    expect(priority).toEqual(ALL);
  });
});

describe('at a port', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), ready);
  const sent = (): Buffer[] => {
    const macs = { to: macOf(network.netns('hv2'), 't100-2'), from: macOf(network.netns('t100-2'), 'eth0') };
    return packetsTo(1).map((packet) => ethernet(packet, macs));
  };
  let placed: Witness | undefined;
  const vm = async (): Promise<Witness> =>
    (placed ??= await Witness.place(network, 't100-1', 'prerouting priority -400', witnessed(2)));
  const fromVm = (way: Way): void => {
    send(network.netns('t100-2'), 'eth0', sent(), way);
  };

  it.each(OF_VLANS)('a frame of a VLAN is dropped: $how', async (way) => {
    const witness = await vm();
    const before = fastpathCounts(network, 'hv2');
    expect(await arrivals(witness, () => fromVm(way))).toEqual(NOTHING);
    const { reasons } = since(before, fastpathCounts(network, 'hv2'));
    expect(reasons['drop vlan']).toBeGreaterThanOrEqual(PROTOCOLS.length);
    expect(reasons['forward forwarded'] ?? 0).toBe(0);
  });

  it.each(OF_NO_VLAN)('a frame of no VLAN leaves untagged: $how', async (way) => {
    const witness = await vm();
    const capture = await network.capture(ROUTER, 'hv2', 'vlan');
    onTestFinished(() => capture.stop().then(() => undefined));
    expect(await arrivals(witness, () => fromVm(way))).toEqual(ALL);
    expect(await capture.stop()).toEqual([]);
  });
});
