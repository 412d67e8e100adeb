import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTER, sidOf, sourceOf, find } from '../../lab/topology.js';
import { encapsulated, findHeader, innerIp, isEcho } from './lib/packets.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import { complaints } from './lib/tshark.js';
import type { CapturedPacket, Encapsulated } from './lib/packets.js';

const DATA_BYTES = 56;
/** RFC 8200 section 3, RFC 791 section 3.1, RFC 792. */
const IPV6_BYTES = 40;
const IPV4_BYTES = 20;
const ECHO_BYTES = 8 + DATA_BYTES;

const FAMILIES = [
  { family: 'IPv4', from: '10.0.0.1', to: '10.0.0.2', next: 4, ipBytes: IPV4_BYTES },
  { family: 'IPv6', from: 'cafe::1', to: 'cafe::2', next: 41, ipBytes: IPV6_BYTES },
] as const;

/** What left hv1 and hv2 while t100-1 pinged t100-2 over both families, and sent UDP in several flows. */
interface Traffic {
  fromHv1: Encapsulated[];
  fromHv2: Encapsulated[];
  toHv2: Encapsulated[];
  all: CapturedPacket[];
}

const FLOWS = 4;
const PACKETS_PER_FLOW = 3;
const TRAFFIC_CLASS = 0xb8;
const DROP_DISCARD = `table inet quiet {
  chain input { type filter hook input priority 0; udp dport 9 drop; }
}`;

describe('one segment', () => {
  const network = useNetwork(selftestTopology());
  const { topology } = network;
  const hv1Source = sourceOf(find(topology.nodes, 'hv1'));
  const hv2Source = sourceOf(find(topology.nodes, 'hv2'));
  let traffic: Traffic;

  beforeAll(async () => {
    // Neighbours resolved first: what is captured is then only what is meant.
    await network.ping('t100-1', '10.0.0.2');
    await network.ping('t100-1', 'cafe::2');
    // Nobody listens there; told so, a connected socket would swallow every other datagram (ICMP errors count once).
    await network.output('t100-2', ['nft', '-f', '-'], { input: DROP_DISCARD });
    const captures = [await network.capture(ROUTER, 'hv1'), await network.capture(ROUTER, 'hv2')];
    await network.ping('t100-1', '10.0.0.2', { count: 3, ttl: 50, trafficClass: TRAFFIC_CLASS });
    await network.ping('t100-1', 'cafe::2', { count: 3, ttl: 50, trafficClass: TRAFFIC_CLASS });
    for (const address of ['10.0.0.2', 'cafe::2']) {
      await network.shell('t100-1', udpFlows(address));
    }
    const [atHv1 = [], atHv2 = []] = await Promise.all(captures.map((capture) => capture.stop()));
    traffic = {
      fromHv1: encapsulated(atHv1).filter(({ outer }) => outer.source === hv1Source),
      fromHv2: encapsulated(atHv1).filter(({ outer }) => outer.source === hv2Source),
      toHv2: encapsulated(atHv2).filter(({ outer }) => outer.source === hv1Source),
      all: [...atHv1, ...atHv2],
    };
  });

  it('tshark finds nothing wrong', () => {
    expect(complaints(network, traffic.all)).toBe('');
  });

  describe.each(FAMILIES)('$family', ({ from, to, next, ipBytes }) => {
    // Linux: the outer hop limit is 64 for IPv4 and the inner one for IPv6, and the node's own forwarding takes one.
    const outerHopLimit = next === 4 ? 63 : 49;
    // Linux loses the DSCP of IPv4 on the slow path, and copies that of IPv6 (net/ipv6/seg6_iptunnel.c).
    const outerDscp = next === 4 ? 0 : TRAFFIC_CLASS >>> 2;

    it('every field of the outer header is right', () => {
      const requests = traffic.fromHv1.filter(({ inner }) => isEcho(inner, 'request', from, to));
      expect(requests).toHaveLength(3);
      for (const { outer, srh } of requests) {
        expect(srh).toBeUndefined();
        const { flowLabel, ...fields } = outer;
        expect(fields).toEqual({
          layer: 'ipv6',
          dscp: outerDscp,
          ecn: 0,
          payloadLength: ipBytes + ECHO_BYTES,
          nextHeader: next,
          hopLimit: outerHopLimit,
          source: hv1Source,
          destination: sidOf(topology, 'hv2', 't100'),
        });
        expect(flowLabel).toBeGreaterThan(0);
        expect(flowLabel).toBeLessThanOrEqual(0xfffff);
      }
    });

    it('the Ethernet header leads to the router', async () => {
      const mac = async (name: string, device: string): Promise<string> =>
        /link\/ether (\S+)/.exec(await network.ip(name, `link show dev ${device}`))?.[1] ?? '';
      const [request] = traffic.fromHv1.filter(({ inner }) => isEcho(inner, 'request', from, to));
      expect(request?.headers[0]).toEqual({
        layer: 'ethernet',
        source: await mac('hv1', 'eth0'),
        destination: await mac(ROUTER, 'hv1'),
        etherType: 0x86dd,
      });
    });

    it('the inner packet is as the VM sent it', () => {
      const requests = traffic.fromHv1.filter(({ inner }) => isEcho(inner, 'request', from, to));
      const sequences = requests.map(({ inner }) => findHeader(inner, next === 4 ? 'icmp' : 'icmpv6')?.sequence);
      expect(sequences).toEqual([1, 2, 3]);
      for (const { inner } of requests) {
        const ip = innerIp({ inner });
        expect(ip).toMatchObject({ source: from, destination: to, dscp: TRAFFIC_CLASS >>> 2, ecn: 0 });
        if (ip.layer === 'ipv4') {
          expect(ip).toMatchObject({
            headerLength: IPV4_BYTES,
            totalLength: IPV4_BYTES + ECHO_BYTES,
            ttl: 50,
            protocol: 1,
            checksumValid: true,
            dontFragment: true,
            moreFragments: false,
            fragmentOffset: 0,
          });
        } else {
          expect(ip).toMatchObject({ hopLimit: 50, nextHeader: 58, payloadLength: ECHO_BYTES });
        }
        const icmp = findHeader(inner, next === 4 ? 'icmp' : 'icmpv6');
        expect(icmp).toMatchObject({ type: next === 4 ? 8 : 128, code: 0 });
        expect(icmp?.data).toHaveLength(DATA_BYTES);
      }
    });

    it('the router decreases the hop limit and changes nothing else', () => {
      const before = traffic.fromHv1.filter(({ inner }) => isEcho(inner, 'request', from, to));
      const after = traffic.toHv2.filter(({ inner }) => isEcho(inner, 'request', from, to));
      expect(after).toHaveLength(before.length);
      after.forEach(({ outer, inner }, index) => {
        expect(outer).toEqual({ ...before[index]?.outer, hopLimit: outerHopLimit - 1 });
        expect(inner).toEqual(before[index]?.inner);
      });
    });

    it('replies go to the SID on the other node', () => {
      const replies = traffic.fromHv2.filter(({ inner }) => isEcho(inner, 'reply', to, from));
      expect(replies).toHaveLength(3);
      for (const { outer, srh } of replies) {
        expect(srh).toBeUndefined();
        expect(outer).toMatchObject({
          nextHeader: next,
          source: hv2Source,
          destination: sidOf(topology, 'hv1', 't100'),
        });
        expect(outer.flowLabel).not.toBe(0);
      }
    });

    it('the flow label is not zero, constant within a flow, and different between flows', () => {
      const labels = new Map<number, Set<number>>();
      for (const { inner, outer } of traffic.fromHv1) {
        const udp = findHeader(inner, 'udp');
        if (udp === undefined || innerIp({ inner }).destination !== to) continue;
        const seen = labels.get(udp.sourcePort) ?? new Set();
        labels.set(udp.sourcePort, seen.add(outer.flowLabel));
      }
      const packets = traffic.fromHv1.filter(
        ({ inner }) => findHeader(inner, 'udp') !== undefined && innerIp({ inner }).destination === to,
      );
      expect(packets).toHaveLength(FLOWS * PACKETS_PER_FLOW);
      expect(labels.size).toBe(FLOWS);
      const all = [...labels.values()].flatMap((seen) => [...seen]);
      // One label a flow, and 20 bits make a collision of four unlikely enough (6 in a million).
      expect(all).toHaveLength(FLOWS);
      expect(new Set(all).size).toBe(FLOWS);
      expect(all).not.toContain(0);
    });
  });
});

describe('three segments', () => {
  const network = useNetwork(selftestTopology({ transits: 2 }));
  const { topology } = network;
  const source = sourceOf(find(topology.nodes, 'hv1'));
  const sid = sidOf(topology, 'hv2', 't100');
  const [first = '', second = ''] = topology.paths.find(({ to }) => to === 'hv2')?.via ?? [];
  /** by the router's interface */
  const captured = new Map<string, Encapsulated[]>();

  beforeAll(async () => {
    for (const { to } of FAMILIES) await network.ping('t100-1', to);
    const devices = ['hv1', 'tr1', 'tr2', 'hv2'];
    const captures = await Promise.all(
      devices.map(async (device) => [device, await network.capture(ROUTER, device)] as const),
    );
    for (const { to } of FAMILIES) await network.ping('t100-1', to, { ttl: 50 });
    for (const [device, capture] of captures) captured.set(device, encapsulated(await capture.stop()));
  });

  describe.each(FAMILIES)('$family', ({ from, to, next, ipBytes }) => {
    const hopLimit = next === 4 ? 63 : 49;
    const srhBytes = 8 + 2 * 16;
    // Each leg: to whom, how many segments are left, and the hops taken since hv1 (router and node take one each).
    const legs = [
      { device: 'hv1', destination: first, segmentsLeft: 2, hops: 0, name: 'as hv1 sends it' },
      { device: 'tr1', destination: first, segmentsLeft: 2, hops: 1, name: 'to the first transit node' },
      { device: 'tr1', destination: second, segmentsLeft: 1, hops: 2, name: 'from the first transit node' },
      { device: 'tr2', destination: second, segmentsLeft: 1, hops: 3, name: 'to the second transit node' },
      { device: 'tr2', destination: sid, segmentsLeft: 0, hops: 4, name: 'from the second transit node' },
      { device: 'hv2', destination: sid, segmentsLeft: 0, hops: 5, name: 'to hv2' },
    ];

    it.each(legs)(
      'every field of the outer header and the reduced SRH is right: $name',
      ({ device, destination, segmentsLeft, hops }) => {
        const packets = (captured.get(device) ?? []).filter(
          (packet) => isEcho(packet.inner, 'request', from, to) && packet.outer.destination === destination,
        );
        expect(packets).toHaveLength(1);
        const { flowLabel, ...outer } = packets[0]?.outer ?? { flowLabel: 0 };
        expect(flowLabel).not.toBe(0);
        expect(outer).toEqual({
          layer: 'ipv6',
          dscp: 0,
          ecn: 0,
          payloadLength: srhBytes + ipBytes + ECHO_BYTES,
          nextHeader: 43,
          hopLimit: hopLimit - hops,
          source,
          destination,
        });
        // RFC 8986 section 5.2: the first segment is in the destination only; RFC 8754 section 2: the list is backwards.
        expect(packets[0]?.srh).toEqual({
          layer: 'srh',
          nextHeader: next,
          headerExtensionLength: 4,
          routingType: 4,
          segmentsLeft,
          lastEntry: 1,
          flags: 0,
          tag: 0,
          segments: [sid, second],
          tlvs: Buffer.alloc(0),
        });
      },
    );

    it('replies take the reverse path', () => {
      const replies = (captured.get('hv2') ?? []).filter((packet) => isEcho(packet.inner, 'reply', to, from));
      expect(replies).toHaveLength(1);
      expect(replies[0]?.outer.destination).toBe(second);
      expect(replies[0]?.srh).toMatchObject({
        segmentsLeft: 2,
        lastEntry: 1,
        segments: [sidOf(topology, 'hv1', 't100'), first],
      });
    });
  });
});

/** Several connected UDP sockets, one after the other, each sending a few datagrams to the discard port. */
function udpFlows(address: string): string {
  return `for flow in $(seq ${FLOWS}); do
    exec 3>/dev/udp/${address}/9
    for packet in $(seq ${PACKETS_PER_FLOW}); do echo $packet >&3 || true; done
    exec 3>&-
  done`;
}
