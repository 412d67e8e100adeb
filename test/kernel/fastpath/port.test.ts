/** The port's program, packet by packet: description, packet in, verdict and reason, packet out. */
import { describe, expect, it } from 'vitest';
import { DscpPolicy } from '../../../src/ebpf/generated/layouts.js';
import { Bench, MACS, MTU, PATHS, SOURCE, TRUSTED } from './bench.js';
import {
  encapsulated,
  ethernet,
  fragment6,
  IP,
  ip4,
  ip6,
  options6,
  srh,
  tcp,
  udp,
  withoutFlowLabel,
} from './packets.js';
import type { SentOptions, Verdict } from './bench.js';

/** RFC 2675: TCP follows, 100,000 bytes in all. */
const JUMBO_PAYLOAD = Buffer.from([IP.tcp, 0, 0xc2, 4, 0, 1, 0x86, 0xa0]);
const TO_PORT = { to: MACS.port, from: MACS.vm };

interface Case {
  what: string;
  packet: Buffer;
  verdict: Verdict;
  reason: string;
  /** the frame that leaves, its outer flow label zero; absent: as it came */
  out?: Buffer;
  options?: SentOptions;
}

/** Between this node's uplink and the router, H.Encaps.Red around a packet. */
function outer(inner: Buffer, path: readonly string[] = PATHS[2] ?? [], trafficClass = 0): Buffer {
  return ethernet(encapsulated(inner, path, SOURCE, trafficClass), { to: MACS.router, from: MACS.uplink });
}

function forwarded(what: string, sent: Buffer, arriving: Buffer, path = PATHS[2], trafficClass = 0): Case {
  const out = outer(arriving, path, trafficClass);
  return { what, packet: ethernet(sent, TO_PORT), verdict: 'redirect', reason: 'forward forwarded', out };
}

function left(what: string, packet: Buffer, reason: string, options: SentOptions = {}): Case {
  return { what, packet: ethernet(packet, TO_PORT), verdict: 'next', reason: `punt ${reason}`, options };
}

function dropped(what: string, packet: Buffer, reason: string): Case {
  return { what, packet: ethernet(packet, TO_PORT), verdict: 'drop', reason: `drop ${reason}` };
}

const big4 = (bytes: number): Buffer => ip4({ payload: udp({ size: bytes - 28 }) });

const ROUTER_ALERT = Buffer.from([0x94, 4, 0, 0]);
/** Destination options one after the other, then UDP, or what is told. */
const chain = (headers: number, last: number = IP.udp): Buffer =>
  Buffer.concat([
    ...Array.from({ length: headers }, (_, index) => options6(index === headers - 1 ? last : IP.destOptions)),
    ...(last === IP.udp ? [udp()] : []),
  ]);
const EXTENDED: [what: string, next: number, payload: Buffer][] = [
  ['hop-by-hop options', IP.hopByHop, Buffer.concat([options6(IP.udp, 24), udp()])],
  ['six headers of destination options', IP.destOptions, chain(6)],
  ['a first fragment of IPv6', IP.fragment, Buffer.concat([fragment6(IP.udp, 0, true), udp()])],
  // What is in its middle may look like an extension header that is too long, and is none.
  [
    'a later fragment of IPv6',
    IP.fragment,
    Buffer.concat([fragment6(IP.destOptions, 1448, false), Buffer.alloc(64, 43)]),
  ],
  ['an authentication header', IP.authentication, Buffer.concat([Buffer.from([IP.udp, 1]), Buffer.alloc(10), udp()])],
  ['options without a next header', IP.destOptions, options6(59)],
];

const CASES: Case[] = [
  forwarded('IPv4', ip4(), ip4({ ttl: 63 })),
  forwarded('IPv6', ip6(), ip6({ hopLimit: 63 })),
  forwarded('IPv4, TCP', ip4({ protocol: IP.tcp, payload: tcp() }), ip4({ ttl: 63, protocol: IP.tcp, payload: tcp() })),
  forwarded('IPv4, two segments', ip4({ to: '10.0.0.3' }), ip4({ to: '10.0.0.3', ttl: 63 }), PATHS[3]),
  forwarded('IPv6, two segments', ip6({ to: 'cafe::3' }), ip6({ to: 'cafe::3', hopLimit: 63 }), PATHS[3]),
  forwarded('IPv4, three segments', ip4({ to: '10.0.0.4' }), ip4({ to: '10.0.0.4', ttl: 63 }), PATHS[4]),
  forwarded('IPv6, four segments', ip6({ to: 'cafe::5' }), ip6({ to: 'cafe::5', hopLimit: 63 }), PATHS[5]),
  forwarded('the traffic class of IPv4 is copied out', ip4({ tos: 0xb9 }), ip4({ tos: 0xb9, ttl: 63 }), PATHS[2], 0xb9),
  forwarded(
    'the traffic class of IPv6 is copied out',
    ip6({ trafficClass: 0xb9, flowLabel: 0xabcde }),
    ip6({ trafficClass: 0xb9, flowLabel: 0xabcde, hopLimit: 63 }),
    PATHS[2],
    0xb9,
  ),
  forwarded('TTL 2', ip4({ ttl: 2 }), ip4({ ttl: 1 })),
  forwarded('TTL 255: the checksum carries', ip4({ ttl: 255 }), ip4({ ttl: 254 })),
  forwarded('a first fragment', ip4({ fragment: 0x2000 }), ip4({ fragment: 0x2000, ttl: 63 })),
  forwarded('a later fragment', ip4({ fragment: 0x00b9 }), ip4({ fragment: 0x00b9, ttl: 63 })),
  forwarded('a packet of the MTU', big4(MTU), ip4({ ttl: 63, payload: udp({ size: MTU - 28 }) })),
  forwarded('a prefix', ip4({ to: '172.16.1.1' }), ip4({ to: '172.16.1.1', ttl: 63 })),
  forwarded('the longer of two prefixes', ip4({ to: '172.16.5.1' }), ip4({ to: '172.16.5.1', ttl: 63 }), PATHS[3]),
  forwarded('from a prefix of the VM', ip4({ from: '192.168.1.77' }), ip4({ from: '192.168.1.77', ttl: 63 })),
  forwarded(
    'ICMPv6 that is no neighbour discovery',
    ip6({ next: IP.icmp6, payload: Buffer.from([128, 0, 0, 0, 0, 0, 0, 1]) }),
    ip6({ next: IP.icmp6, payload: Buffer.from([128, 0, 0, 0, 0, 0, 0, 1]), hopLimit: 63 }),
  ),
  {
    ...forwarded('to the MAC address that the gateway had before', ip4(), ip4({ ttl: 63 })),
    packet: ethernet(ip4(), { ...TO_PORT, to: MACS.formerPort }),
  },
  {
    what: 'to a port of this node',
    packet: ethernet(ip4({ to: '10.0.0.7' }), TO_PORT),
    verdict: 'redirect',
    reason: 'forward forwarded',
    out: ethernet(ip4({ to: '10.0.0.7', ttl: 63 }), { to: MACS.otherVm, from: MACS.otherPort }),
  },
  {
    what: 'to a port of this node, IPv6',
    packet: ethernet(ip6({ to: 'cafe::7' }), TO_PORT),
    verdict: 'redirect',
    reason: 'forward forwarded',
    out: ethernet(ip6({ to: 'cafe::7', hopLimit: 63 }), { to: MACS.otherVm, from: MACS.otherPort }),
  },
  // A test run's super-packet is of no protocol's (gso_type 0), as those of SCTP: bpf_skb_adjust_room takes TCP and UDP alone.
  left('a super-packet that cannot be encapsulated', ip4({ payload: tcp({ size: 3000 }) }), 'no room', {
    gsoSize: MTU - 60,
    gsoSegs: 3,
  }),
  left('a super-packet of IPv6 that cannot be encapsulated', ip6({ payload: tcp({ size: 3000 }) }), 'no room', {
    gsoSize: MTU - 60,
    gsoSegs: 3,
  }),
  {
    what: 'a super-packet to a port of this node',
    packet: ethernet(ip4({ to: '10.0.0.7', protocol: IP.tcp, payload: tcp({ size: 3000 }) }), TO_PORT),
    options: { gsoSize: MTU - 40, gsoSegs: 3 },
    verdict: 'redirect',
    reason: 'forward forwarded',
    out: ethernet(ip4({ to: '10.0.0.7', ttl: 63, protocol: IP.tcp, payload: tcp({ size: 3000 }) }), {
      to: MACS.otherVm,
      from: MACS.otherPort,
    }),
  },
  forwarded(
    'a RST',
    ip4({ protocol: IP.tcp, payload: tcp({ flags: 0x06 }) }),
    ip4({ ttl: 63, protocol: IP.tcp, payload: tcp({ flags: 0x06 }) }),
  ),
  forwarded('options', ip4({ options: ROUTER_ALERT }), ip4({ options: ROUTER_ALERT, ttl: 63 })),
  forwarded(
    'forty bytes of options',
    ip4({ options: Buffer.alloc(40, 1), protocol: IP.tcp, payload: tcp() }),
    ip4({ options: Buffer.alloc(40, 1), protocol: IP.tcp, payload: tcp(), ttl: 63 }),
  ),
  ...EXTENDED.map(([what, next, payload]) =>
    forwarded(what, ip6({ next, payload }), ip6({ next, payload, hopLimit: 63 })),
  ),
  left('more extension headers than are read', ip6({ next: IP.destOptions, payload: chain(7) }), 'ip options'),
  left(
    'extension headers without an end',
    ip6({ next: IP.destOptions, payload: chain(2, IP.destOptions) }),
    'ip options',
  ),
  left('an unused address', ip4({ to: '10.0.0.99' }), 'no member'),
  left('the gateway', ip6({ to: 'cafe::254' }), 'no member'),
  left('an unresolved next hop', ip4({ to: '10.0.0.8' }), 'unresolved'),
  left('multicast', ip4({ to: '224.0.0.251' }), 'not routed'),
  left('broadcast', ip4({ to: '255.255.255.255' }), 'not routed'),
  left('multicast of IPv6', ip6({ to: 'ff02::fb' }), 'not routed'),
  left('link-local', ip6({ to: 'fe80::1' }), 'not routed'),
  left('a neighbour solicitation', ip6({ next: IP.icmp6, payload: Buffer.from([135, 0, 0, 0]) }), 'not routed'),
  {
    what: 'a frame for another MAC address',
    packet: ethernet(ip4(), { to: '02:00:00:00:00:ee', from: MACS.vm }),
    verdict: 'next',
    reason: 'punt not routed',
  },
  {
    what: 'ARP',
    packet: ethernet(Buffer.alloc(46), { ...TO_PORT, type: 0x0806 }),
    verdict: 'next',
    reason: 'punt not ip',
  },
  {
    what: 'a tagged frame',
    packet: ethernet(Buffer.concat([Buffer.from([0, 5, 8, 0]), ip4()]), { ...TO_PORT, type: 0x88cc }),
    verdict: 'next',
    reason: 'punt not ip',
  },
  {
    what: 'a source MAC address of another VM',
    packet: ethernet(ip4(), { to: MACS.port, from: '02:00:00:00:00:ee' }),
    verdict: 'drop',
    reason: 'drop source mac',
  },
  dropped('an address of another VM', ip4({ from: '10.0.0.7' }), 'source address'),
  dropped('an address of another VM, IPv6', ip6({ from: 'cafe::2' }), 'source address'),
  dropped('an address outside the prefix', ip4({ from: '192.168.2.1' }), 'source address'),
  dropped('to the SID block', ip6({ to: 'fd00:5e:2:4600:64::' }), 'domain address'),
  dropped('to a trusted prefix', ip6({ to: `${TRUSTED}5` }), 'domain address'),
  dropped('from the SID block', ip6({ from: 'fd00:5e:2::1' }), 'domain address'),
  dropped('from a trusted prefix', ip6({ from: `${TRUSTED}5` }), 'domain address'),
  // What the parser leaves to the kernel, which would read on.
  dropped(
    'to the SID block behind more options than are read',
    ip6({ to: 'fd00:5e:2:4600:64::', next: IP.destOptions, payload: chain(7) }),
    'domain address',
  ),
  {
    what: 'to the SID block, to all MAC addresses',
    packet: ethernet(ip6({ to: 'fd00:5e:1:4600:64::' }), { ...TO_PORT, to: '33:33:00:00:00:01' }),
    verdict: 'drop',
    reason: 'drop domain address',
  },
  {
    what: 'to a trusted prefix, to another MAC address',
    packet: ethernet(ip6({ to: `${TRUSTED}5` }), { ...TO_PORT, to: MACS.router }),
    verdict: 'drop',
    reason: 'drop domain address',
  },
  dropped('a routing header', ip6({ next: IP.routing, payload: srh(IP.udp, ['cafe::2'], 1) }), 'routing header'),
  dropped(
    'a routing header behind options',
    ip6({ next: IP.hopByHop, payload: Buffer.concat([options6(IP.routing), srh(IP.udp, ['cafe::2'], 1)]) }),
    'routing header',
  ),
  dropped(
    'a routing header in a first fragment',
    ip6({ next: IP.fragment, payload: Buffer.concat([fragment6(IP.routing, 0, true), srh(IP.udp, ['cafe::2'], 1)]) }),
    'routing header',
  ),
  dropped(
    'a later fragment of a routing header',
    ip6({ next: IP.fragment, payload: Buffer.concat([fragment6(IP.routing, 1448, false), udp()]) }),
    'routing header',
  ),
  dropped(
    'an extension header longer than the packet',
    ip6({ next: IP.destOptions, payload: Buffer.from([IP.udp, 9, 1, 4, 0, 0, 0, 0]) }),
    'malformed',
  ),
  dropped('options longer than the packet', ip4({ options: Buffer.alloc(40, 1), length: 40 }), 'malformed'),
  dropped('a header with a length beyond the packet', ip4({ length: 100 }), 'malformed'),
  dropped('a header with a length beyond the packet, IPv6', ip6({ length: 200 }), 'malformed'),
  dropped('a total length below the header', ip4({ length: 12 }), 'malformed'),
  // Neither says how long it is: what the outer header would have no room for.
  dropped("a super-packet above 65,535 bytes (IPv4's BIG TCP)", ip4({ length: 0 }), 'malformed'),
  dropped(
    "a jumbogram, and a super-packet above 65,535 bytes (IPv6's BIG TCP)",
    ip6({ next: IP.hopByHop, length: 0, payload: Buffer.concat([JUMBO_PAYLOAD, tcp()]) }),
    'malformed',
  ),
];

const FLOWS: readonly Buffer[] = [ethernet(ip4(), TO_PORT), ethernet(ip6(), TO_PORT)];

describe.each([
  ['without', undefined],
  ['with', FLOWS],
] as const)('the program of a port, %s cache entries', (_how, before) => {
  const how = before === undefined ? {} : { before };

  it.each(CASES.map((one) => [one.what, one.reason, one] as const))(
    '%s: %s',
    (_what, reason, { packet, verdict, out, options = {} }) => {
      const sent = new Bench(how).send('port_tc', packet, options);
      expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict, counted: { [reason]: 1 } });
      if (out === undefined) {
        expect(sent.frame.toString('hex')).toBe(packet.toString('hex'));
        return;
      }
      const isOuter = sent.frame.length > packet.length;
      const { frame, flowLabel } = isOuter ? withoutFlowLabel(sent.frame) : { frame: sent.frame, flowLabel: 1 };
      expect(frame.toString('hex')).toBe(out.toString('hex'));
      expect(flowLabel).not.toBe(0);
    },
  );

  it('leaves frames from no port to the kernel, or drops them in ebpf mode', () => {
    const packet = ethernet(ip4(), TO_PORT);
    for (const [alone, verdict] of [
      [false, 'next'],
      [true, 'drop'],
    ] as const) {
      const bench = new Bench({ ...how, rodata: { no_kernel_fallback: alone } });
      bench.maps.sg_ports.deleteBatch(Buffer.from(Uint32Array.of(bench.ifindex).buffer));
      expect(bench.send('port_tc', packet)).toEqual({ verdict, counted: { 'punt no port': 1 }, frame: packet });
    }
  });

  it.each([
    ['zero', DscpPolicy.DSCP_ZERO, 0x01],
    ['10', DscpPolicy.DSCP_FIXED + 10, (10 << 2) | 1],
    ['63', DscpPolicy.DSCP_FIXED + 63, (63 << 2) | 1],
  ])('sets the DSCP to %s as the tenant configures, and copies ECN', (_name, dscp, trafficClass) => {
    const bench = new Bench(how);
    bench.setPort({ dscp });
    for (const [sent, arriving] of [
      [ip4({ tos: 0xb9 }), ip4({ tos: 0xb9, ttl: 63 })],
      [ip6({ trafficClass: 0xb9 }), ip6({ trafficClass: 0xb9, hopLimit: 63 })],
    ] as const) {
      const { frame } = withoutFlowLabel(bench.send('port_tc', ethernet(sent, TO_PORT)).frame);
      expect(frame.toString('hex')).toBe(outer(arriving, PATHS[2], trafficClass).toString('hex'));
    }
  });

  it('sets one flow label for a flow, and one from addresses alone for fragments', () => {
    const bench = new Bench(how);
    const label = (packet: Buffer): number =>
      withoutFlowLabel(bench.send('port_tc', ethernet(packet, TO_PORT)).frame).flowLabel;
    const flow = (source: number, size = 16): Buffer => ip4({ payload: udp({ source, size }) });
    expect(label(flow(4000, 900))).toBe(label(flow(4000)));
    const labels = new Set(Array.from({ length: 200 }, (_, index) => label(flow(4000 + index))));
    expect(labels.size).toBeGreaterThan(195);
    expect(label(ip4({ fragment: 0x2000 }))).toBe(label(ip4({ fragment: 0x00b9, payload: Buffer.alloc(64, 7) })));
    const fragment = (offset: number, next: number, payload: Buffer): Buffer =>
      ip6({ next: IP.fragment, payload: Buffer.concat([fragment6(next, offset, true), payload]) });
    expect(label(fragment(0, IP.udp, udp()))).toBe(label(fragment(1448, IP.tcp, Buffer.alloc(64, 7))));
  });

  it('spreads flows over next hops of equal cost, each flow over one', () => {
    const bench = new Bench(how);
    bench.setUnderlay(1, [MACS.router, MACS.secondRouter]);
    const way = (source: number): string =>
      bench.send('port_tc', ethernet(ip4({ payload: udp({ source }) }), TO_PORT)).frame.toString('hex', 0, 6);
    expect(way(4000)).toBe(way(4000));
    const taken = Array.from({ length: 400 }, (_, index) => way(4000 + index));
    const first = taken.filter((mac) => mac === MACS.router.replaceAll(':', '')).length;
    expect(new Set(taken).size).toBe(2);
    expect(first).toBeGreaterThan(140);
    expect(first).toBeLessThan(260);
  });

  it('counts packets of the VM, a super-packet by its segments', () => {
    const bench = new Bench();
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.7' }), TO_PORT));
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    const super4 = ip4({ to: '10.0.0.7', protocol: IP.tcp, payload: tcp({ size: 3000 }) });
    bench.send('port_tc', ethernet(super4, TO_PORT), { gsoSize: MTU - 40, gsoSegs: 3 });
    const bytes = ip4().length;
    expect(bench.traffic(0)).toEqual({ tx: [2 + 3, 2 * bytes + super4.length], rx: [0, 0] });
    expect(bench.traffic(1)).toEqual({ tx: [0, 0], rx: [1 + 3, bytes + super4.length] });
  });
});
