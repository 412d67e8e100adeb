import { beforeAll, describe, expect, it } from 'vitest';
import { measureThroughput } from '../../lab/throughput.js';
import { endSid, find, ROUTER, sidOf, sourceOf } from '../../lab/topology.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { encapsulated, findHeader, innerIp, isEcho } from './lib/packets.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import { complaints } from './lib/tshark.js';
import type { CapturedPacket } from './lib/packets.js';
import type { TestNetwork } from './lib/network.js';

const BOTH = { hv1: 'hybrid', hv2: 'hybrid' } as const;
const COUNT = 3;
const TTL = 50;
/** DSCP 46 (EF), ECT(1). */
const TRAFFIC_CLASS = 0xb9;
const DATA_BYTES = 56;
const ECHO_BYTES = 8 + DATA_BYTES;
const FAMILIES = [
  { family: 'IPv4', from: '10.0.0.1', to: '10.0.0.2', next: 4, ipBytes: 20 },
  { family: 'IPv6', from: 'cafe::1', to: 'cafe::2', next: 41, ipBytes: 40 },
] as const;

interface Traffic {
  atRouter: CapturedPacket[];
  atVm: CapturedPacket[];
}

/** Pings of both families, captured where they leave hv1 and where they reach the VM behind hv2. */
async function pinged(network: TestNetwork): Promise<Traffic> {
  // The agent of a test that applies once has to be told that the first packets resolved what is on the way.
  for (const { to } of FAMILIES) await network.ping('t100-1', to);
  await network.applyAll();
  const before = ['hv1', 'hv2'].map((name) => fastpathCounts(network, name));
  const captures = [await network.capture(ROUTER, 'hv1'), await network.capture('t100-2')];
  for (const { to } of FAMILIES) {
    const result = await network.ping('t100-1', to, { count: COUNT, ttl: TTL, trafficClass: TRAFFIC_CLASS });
    expect(result, to).toMatchObject({ sent: COUNT, received: COUNT });
  }
  const [atRouter = [], atVm = []] = await Promise.all(captures.map((capture) => capture.stop()));
  for (const [index, name] of ['hv1', 'hv2'].entries()) {
    const counted = since(before[index] ?? { reasons: {}, slow: 0 }, fastpathCounts(network, name));
    expect(counted, name).toMatchObject({ reasons: { 'forward forwarded': 2 * 2 * COUNT }, slow: 0 });
  }
  return { atRouter, atVm };
}

describe('packets on the wire, one segment', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }));
  const { topology } = network;
  const hv1Source = sourceOf(find(topology.nodes, 'hv1'));
  let traffic: Traffic;

  beforeAll(async () => {
    traffic = await pinged(network);
  });

  describe.each(FAMILIES)('$family', ({ from, to, next, ipBytes }) => {
    const requests = () => encapsulated(traffic.atRouter).filter(({ inner }) => isEcho(inner, 'request', from, to));

    it('every field of the outer header is right', () => {
      expect(requests()).toHaveLength(COUNT);
      for (const { outer, srh } of requests()) {
        expect(srh).toBeUndefined();
        const { flowLabel, ...fields } = outer;
        expect(fields).toEqual({
          layer: 'ipv6',
          dscp: TRAFFIC_CLASS >>> 2,
          ecn: TRAFFIC_CLASS & 3,
          payloadLength: ipBytes + ECHO_BYTES,
          nextHeader: next,
          hopLimit: 64,
          source: hv1Source,
          destination: sidOf(topology, 'hv2', 't100'),
        });
        expect(flowLabel).toBeGreaterThan(0);
      }
      expect(new Set(requests().map(({ outer }) => outer.flowLabel)).size).toBe(1);
    });

    it('the Ethernet header leads to the router', async () => {
      const mac = async (name: string, device: string): Promise<string> =>
        /link\/ether (\S+)/.exec(await network.ip(name, `link show dev ${device}`))?.[1] ?? '';
      expect(requests()[0]?.headers[0]).toEqual({
        layer: 'ethernet',
        source: await mac('hv1', 'eth0'),
        destination: await mac(ROUTER, 'hv1'),
        etherType: 0x86dd,
      });
    });

    it('the hop limit of the inner packet decreases by one at each hypervisor; all else is unchanged', () => {
      const hopsOf = (headers: Parameters<typeof isEcho>[0]): number => {
        const ip = innerIp({ inner: [...headers] });
        expect(ip).toMatchObject({ source: from, destination: to, dscp: TRAFFIC_CLASS >>> 2, ecn: TRAFFIC_CLASS & 3 });
        if (ip.layer === 'ipv4') expect(ip).toMatchObject({ checksumValid: true, totalLength: ipBytes + ECHO_BYTES });
        return ip.layer === 'ipv4' ? ip.ttl : ip.hopLimit;
      };
      expect(requests().map(({ inner }) => hopsOf(inner))).toEqual(Array(COUNT).fill(TTL - 1));
      const arrived = traffic.atVm
        .map(({ headers }) => headers.slice(1))
        .filter((headers) => isEcho(headers, 'request', from, to));
      expect(arrived.map(hopsOf)).toEqual(Array(COUNT).fill(TTL - 2));
      const data = (headers: Parameters<typeof isEcho>[0]): string | undefined =>
        findHeader([...headers], next === 4 ? 'icmp' : 'icmpv6')?.data.toString('hex');
      expect(arrived.map(data)).toEqual(requests().map(({ inner }) => data(inner)));
    });
  });

  it.each(FAMILIES)('a VM with an MTU of 1500 reaches TCP servers: $family', async ({ to }) => {
    const before = fastpathCounts(network, 'hv2');
    const { bitsPerSecond, bytes } = await measureThroughput({
      from: network.netns('t100-1'),
      to: network.netns('t100-2'),
      address: to,
      seconds: 2,
    });
    const { reasons, slow } = since(before, fastpathCounts(network, 'hv2'));
    process.stdout.write(
      `TCP to ${to}: ${(bitsPerSecond / 1e6).toFixed(0)} Mbit/s emulated; ${JSON.stringify(reasons)} slow ${slow}\n`,
    );
    expect(bytes).toBeGreaterThan(1_000_000);
    // iperf3's two connections: their SYNs, which the kernel's guard clamps.
    expect(slow).toBeLessThanOrEqual(6);
    expect(Object.keys(reasons).filter((reason) => reason.startsWith('drop'))).toEqual([]);
  });
});

describe('packets on the wire, three segments', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, transits: 2 }));
  const { topology } = network;
  let traffic: Traffic;

  beforeAll(async () => {
    traffic = await pinged(network);
  });

  it('tshark finds nothing wrong', () => {
    expect(complaints(network, [...traffic.atRouter, ...traffic.atVm])).toBe('');
  });

  it.each(FAMILIES)('$family: the SRH is reduced', ({ from, to, next, ipBytes }) => {
    const requests = encapsulated(traffic.atRouter).filter(({ inner }) => isEcho(inner, 'request', from, to));
    const [first, second] = ['tr1', 'tr2'].map((name) => endSid(find(topology.nodes, name)));
    const last = sidOf(topology, 'hv2', 't100');
    // The router's link to hv1 sees each once: the transit nodes are on other links.
    expect(requests).toHaveLength(COUNT);
    for (const { outer, srh } of requests) {
      expect(outer).toMatchObject({
        nextHeader: 43,
        hopLimit: 64,
        destination: first,
        payloadLength: 40 + ipBytes + ECHO_BYTES,
      });
      expect(srh).toMatchObject({
        nextHeader: next,
        headerExtensionLength: 4,
        routingType: 4,
        segmentsLeft: 2,
        lastEntry: 1,
        flags: 0,
        tag: 0,
        segments: [last, second],
      });
      expect(srh?.tlvs).toHaveLength(0);
    }
  });
});
