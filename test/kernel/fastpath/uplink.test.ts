/**
 * The uplink's programs: description, packet in, verdict and reason, packet out. tcx and XDP act alike, except on
 * super-packets.
 */
import { describe, expect, it } from 'vitest';
import { Bench, MACS, MTU, SIDS, SOURCE } from './bench.js';
import { encapsulated, ethernet, fragment6, IP, ip4, ip6, options6, srh, tcp, udp } from './packets.js';
import type { Verdict } from './bench.js';

const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const REMOTE = 'fd00:5e:2::1';

interface Case {
  what: string;
  packet: Buffer;
  verdict: Verdict;
  /** absent: the host's own */
  reason?: string;
  out?: Buffer;
}

/** As another node of segue's sends it. */
function arriving(inner: Buffer, sid: string = SIDS.dt46, trafficClass = 0): Buffer {
  return ethernet(encapsulated(inner, [sid], REMOTE, trafficClass), FROM_ROUTER);
}

/** With a routing header between the outer header and the packet. */
function withSrh(inner: Buffer, list: readonly string[], segmentsLeft: number, type = 4): Buffer {
  const protocol = inner.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
  const payload = Buffer.concat([srh(protocol, list, segmentsLeft, type), inner]);
  return ethernet(ip6({ from: REMOTE, to: SIDS.dt46, next: IP.routing, payload }), FROM_ROUTER);
}

function delivered(what: string, packet: Buffer, inner: Buffer): Case {
  const out = ethernet(inner, { to: MACS.vm, from: MACS.port });
  return { what, packet, verdict: 'redirect', reason: 'forward forwarded', out };
}

function left(what: string, packet: Buffer, reason: string): Case {
  return { what, packet, verdict: 'next', reason: `punt ${reason}` };
}

function dropped(what: string, packet: Buffer, reason: string): Case {
  return { what, packet, verdict: 'drop', reason: `drop ${reason}` };
}

const IN4 = { from: '10.0.0.2', to: '10.0.0.1' } as const;
const IN6 = { from: 'cafe::2', to: 'cafe::1' } as const;

const FRAGMENT = Buffer.concat([fragment6(IP.udp, 1448, false), udp()]);

const CASES: Case[] = [
  delivered('IPv4 at End.DT46', arriving(ip4(IN4)), ip4({ ...IN4, ttl: 63 })),
  delivered('IPv6 at End.DT46', arriving(ip6(IN6)), ip6({ ...IN6, hopLimit: 63 })),
  delivered('IPv4 at End.DT4', arriving(ip4(IN4), SIDS.dt4), ip4({ ...IN4, ttl: 63 })),
  delivered('IPv6 at End.DT6', arriving(ip6(IN6), SIDS.dt6), ip6({ ...IN6, hopLimit: 63 })),
  delivered('an SRH of one segment, none left', withSrh(ip4(IN4), [SIDS.dt46], 0), ip4({ ...IN4, ttl: 63 })),
  delivered('an SRH of two', withSrh(ip6(IN6), [SIDS.dt46, 'fd00:5e:91:1::'], 0), ip6({ ...IN6, hopLimit: 63 })),
  delivered(
    'an SRH of four, not reduced',
    withSrh(ip4(IN4), [SIDS.dt46, 'fd00:5e:91:1::', 'fd00:5e:92:1::', 'fd00:5e:93:1::'], 0),
    ip4({ ...IN4, ttl: 63 }),
  ),
  delivered('TTL 2', arriving(ip4({ ...IN4, ttl: 2 })), ip4({ ...IN4, ttl: 1 })),
  delivered('a fragment', arriving(ip4({ ...IN4, fragment: 0x00b9 })), ip4({ ...IN4, fragment: 0x00b9, ttl: 63 })),
  delivered(
    'a packet of the MTU',
    arriving(ip4({ ...IN4, payload: udp({ size: MTU - 28 }) })),
    ip4({ ...IN4, ttl: 63, payload: udp({ size: MTU - 28 }) }),
  ),
  delivered(
    'the inner traffic class is unchanged',
    arriving(ip4({ ...IN4, tos: 0xb8 }), SIDS.dt46, 0),
    ip4({ ...IN4, tos: 0xb8, ttl: 63 }),
  ),
  delivered(
    'congestion is copied in',
    arriving(ip4({ ...IN4, tos: 0xba }), SIDS.dt46, 0xbb),
    ip4({ ...IN4, tos: 0xbb, ttl: 63 }),
  ),
  delivered(
    'congestion on ECT(1)',
    arriving(ip4({ ...IN4, tos: 0x01 }), SIDS.dt46, 0x03),
    ip4({ ...IN4, tos: 0x03, ttl: 63 }),
  ),
  delivered(
    'congestion is copied in, IPv6',
    arriving(ip6({ ...IN6, trafficClass: 0xba, flowLabel: 0xfffff }), SIDS.dt46, 0x03),
    ip6({ ...IN6, trafficClass: 0xbb, flowLabel: 0xfffff, hopLimit: 63 }),
  ),
  delivered(
    'inner congestion stays',
    arriving(ip4({ ...IN4, tos: 3 }), SIDS.dt46, 2),
    ip4({ ...IN4, tos: 3, ttl: 63 }),
  ),
  dropped('congestion, inner packet not ECN-capable', arriving(ip4(IN4), SIDS.dt46, 3), 'ecn'),
  dropped('congestion, inner packet not ECN-capable, IPv6', arriving(ip6(IN6), SIDS.dt46, 3), 'ecn'),
  dropped('IPv6 at End.DT4', arriving(ip6(IN6), SIDS.dt4), 'behaviour'),
  dropped('IPv4 at End.DT6', arriving(ip4(IN4), SIDS.dt6), 'behaviour'),
  dropped('an inner header with a length beyond the packet', arriving(ip4({ ...IN4, length: 100 })), 'malformed'),
  dropped('an inner header with a length beyond the packet, IPv6', arriving(ip6({ ...IN6, length: 100 })), 'malformed'),
  dropped('a packet that ends in the inner header', arriving(ip4(IN4)).subarray(0, 14 + 40 + 12), 'malformed'),
  left('segments left', withSrh(ip4(IN4), [SIDS.dt46], 1), 'segments'),
  left('a routing header of another type', withSrh(ip4(IN4), [SIDS.dt46], 0, 3), 'segments'),
  left('neither IPv4 nor IPv6 inside', ethernet(ip6({ from: REMOTE, to: SIDS.dt46 }), FROM_ROUTER), 'segments'),
  delivered(
    'inner options',
    arriving(ip4({ ...IN4, options: Buffer.from([1, 1, 1, 0]) })),
    ip4({ ...IN4, options: Buffer.from([1, 1, 1, 0]), ttl: 63 }),
  ),
  left(
    'an inner routing header',
    arriving(ip6({ ...IN6, next: IP.routing, payload: srh(17, ['cafe::1'], 0) })),
    'ip options',
  ),
  delivered(
    'an inner fragment of IPv6',
    arriving(ip6({ ...IN6, next: IP.fragment, payload: FRAGMENT })),
    ip6({ ...IN6, next: IP.fragment, payload: FRAGMENT, hopLimit: 63 }),
  ),
  left(
    'inner extension headers, more than are read',
    arriving(
      ip6({
        ...IN6,
        next: IP.destOptions,
        payload: Buffer.concat(Array(7).fill(options6(IP.destOptions)) as Buffer[]),
      }),
    ),
    'ip options',
  ),
  left('an unused address', arriving(ip4({ ...IN4, to: '10.0.0.99' })), 'no member'),
  left('a member of another node', arriving(ip4({ ...IN4, to: '10.0.0.3' })), 'not local'),
  left('multicast inside', arriving(ip4({ ...IN4, to: '224.0.0.5' })), 'not routed'),
  { what: 'another SID', packet: arriving(ip4(IN4), 'fd00:5e:1:4600:65::'), verdict: 'next' },
  { what: 'no tunnel', packet: ethernet(ip6({ from: REMOTE, to: SOURCE }), FROM_ROUTER), verdict: 'next' },
  { what: 'IPv4', packet: ethernet(ip4(), FROM_ROUTER), verdict: 'next' },
];

const FLOWS: readonly Buffer[] = [arriving(ip4(IN4)), arriving(ip6(IN6))];

describe.each(['uplink_tc', 'uplink_xdp'] as const)('the program %s', (program) => {
  it.each(
    CASES.flatMap((one) => [
      [one.what, 'without', one.reason ?? 'pass host', one, undefined] as const,
      [one.what, 'with', one.reason ?? 'pass host', one, FLOWS] as const,
    ]),
  )('%s, %s cache entries: %s', (_what, _how, reason, { packet, verdict, out }, before) => {
    const sent = new Bench(before && { before }).send(program, packet);
    // What XDP hands on meets tcx next, which counts it.
    // What XDP leaves is counted by tcx.
    const isCounted = program === 'uplink_tc' || verdict !== 'next';
    const counted = isCounted ? { [reason]: 1 } : {};
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict, counted });
    if (verdict !== 'drop') expect(sent.frame.toString('hex')).toBe((out ?? packet).toString('hex'));
  });

  it('counts packets to the VM', () => {
    const bench = new Bench();
    bench.send(program, arriving(ip4(IN4)));
    bench.send(program, arriving(ip4({ ...IN4, ttl: 1 })));
    expect(bench.traffic(0)).toEqual({ tx: [0, 0], rx: [1, ip4(IN4).length] });
  });
});

describe('super-packets', () => {
  it('are left to the kernel for an interface without the offload', () => {
    const to = { ...IN4, to: '10.0.0.9' };
    const packet = arriving(ip4({ ...to, protocol: IP.tcp, payload: tcp({ size: 3000 }) }));
    const sent = new Bench().send('uplink_tc', packet, { gsoSize: MTU - 40, gsoSegs: 3 });
    expect(sent).toEqual({ verdict: 'next', counted: { 'punt no offload': 1 }, frame: packet });
  });
});

it.each([
  [
    'IPv4',
    ip4({ ...IN4, protocol: IP.tcp, payload: tcp() }),
    ip4({ ...IN4, ttl: 63, protocol: IP.tcp, payload: tcp() }),
  ],
  ['IPv6', ip6({ ...IN6, next: IP.tcp, payload: tcp() }), ip6({ ...IN6, hopLimit: 63, next: IP.tcp, payload: tcp() })],
])('XDP passes TCP over %s without its outer header, with its port in the metadata', (_family, sent, inner) => {
  const bench = new Bench();
  const { verdict, counted, frame } = bench.send('uplink_xdp', arriving(sent));
  expect({ verdict, counted }).toEqual({ verdict: 'next', counted: {} });
  // A test run gives the metadata before the frame (net/bpf/test_run.c).
  expect(frame.readUInt32LE(0)).toBe(0x5e90e500);
  expect(frame.readUInt32LE(4)).toBe(bench.ifindex);
  expect(frame.toString('hex', 8)).toBe(ethernet(inner, { to: MACS.vm, from: MACS.port }).toString('hex'));
});

it('XDP does not redirect to an interface that takes no frames', () => {
  const packet = arriving(ip4({ ...IN4, to: '10.0.0.9' }));
  const bench = new Bench();
  expect(bench.send('uplink_xdp', packet)).toEqual({ verdict: 'next', counted: {}, frame: packet });
  expect(bench.send('uplink_tc', packet)).toMatchObject({ verdict: 'redirect', counted: { 'forward forwarded': 1 } });
});
