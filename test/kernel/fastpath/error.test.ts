/** ICMP errors to the VM of a port: packets that cause one, its content, and packets that cause none. */
import { describe, expect, it } from 'vitest';
import { Bench, GATEWAYS, MACS, MTU } from './bench.js';
import { computed, errorAbout, icmp4, icmp6, QUOTE, withPseudoSum } from './control-packets.js';
import { ethernet, IP, ip4, ip6, tcp, udp } from './packets.js';
import type { SentOptions } from './bench.js';

const [GATEWAY4, GATEWAY6] = GATEWAYS;
const TO_PORT = { to: MACS.port, from: MACS.vm };
const BACK = { to: MACS.vm, from: MACS.port };
/** Of an underlay that leaves 1400 bytes beside four segments. */
const NARROW_MTU = 1400 + 40 + 56;

interface Case {
  what: string;
  packet: Buffer;
  mtu?: number;
  options?: SentOptions;
}

const big4 = (bytes: number, fragment = 0x4000): Buffer => ip4({ fragment, payload: udp({ size: bytes - 28 }) });
const big6 = (bytes: number): Buffer => ip6({ payload: udp({ size: bytes - 48 }) });
const tcp4 = (size: number, to = '10.0.0.2'): Buffer => ip4({ to, protocol: IP.tcp, payload: tcp({ size }) });
const tcp6 = (size: number): Buffer => ip6({ next: IP.tcp, payload: tcp({ size }) });
const echo = Buffer.from('1234000161626364', 'hex');
/** A fragment header of IPv6: the next header, and offset with flags. */
const fragment6 = (next: number, word: number): Buffer => Buffer.from([next, 0, word >> 8, word & 0xff, 0, 0, 0, 1]);

const HOPS: Case[] = [
  { what: 'at its last hop', packet: ip4({ ttl: 1 }) },
  { what: 'with TTL 0', packet: ip4({ ttl: 0 }) },
  { what: 'of IPv6', packet: ip6({ hopLimit: 1 }) },
  { what: 'to a port of this node', packet: ip4({ to: '10.0.0.7', ttl: 1 }) },
  { what: 'to a prefix', packet: ip4({ to: '172.16.1.1', ttl: 1 }) },
  { what: 'from a prefix of the VM', packet: ip4({ from: '192.168.1.77', ttl: 1 }) },
  { what: 'to an unresolved next hop', packet: ip4({ to: '10.0.0.8', ttl: 1 }) },
  { what: 'with options', packet: ip4({ ttl: 1, options: Buffer.from([148, 4, 0, 0]) }) },
  { what: 'of an odd length', packet: ip4({ ttl: 1, payload: udp({ size: 17 }) }) },
  { what: 'without a payload', packet: ip4({ ttl: 1, payload: Buffer.alloc(0), protocol: 200 }) },
  { what: 'as long as a complete quote', packet: ip4({ ttl: 1, payload: udp({ size: QUOTE.inet - 28 }) }) },
  { what: 'a byte longer', packet: ip4({ ttl: 1, payload: udp({ size: QUOTE.inet - 27 }) }) },
  { what: 'as long as a complete quote, IPv6', packet: ip6({ hopLimit: 1, payload: udp({ size: QUOTE.inet6 - 48 }) }) },
  { what: 'a byte longer, of IPv6', packet: ip6({ hopLimit: 1, payload: udp({ size: QUOTE.inet6 - 47 }) }) },
  { what: 'an echo request', packet: icmp4([8, 0], echo, { ttl: 1 }) },
  { what: 'an echo reply', packet: icmp4([0, 0], echo, { ttl: 1 }) },
  { what: 'an echo request of IPv6', packet: icmp6([128, 0], echo, { hopLimit: 1 }) },
  { what: 'a first fragment', packet: ip4({ ttl: 1, fragment: 0x2000 }) },
  {
    what: 'a first fragment of IPv6',
    packet: ip6({ hopLimit: 1, next: IP.fragment, payload: Buffer.concat([fragment6(17, 1), udp()]) }),
  },
  {
    what: 'behind destination options',
    packet: ip6({
      hopLimit: 1,
      next: IP.destOptions,
      payload: Buffer.concat([Buffer.from('1100010400000000', 'hex'), udp()]),
    }),
  },
];

const SIZES: Case[] = [
  { what: 'a byte more than the MTU', packet: big4(MTU + 1), mtu: MTU },
  { what: 'without DF', packet: big4(MTU + 1, 0), mtu: MTU },
  { what: 'a first fragment', packet: big4(MTU + 40, 0x2000), mtu: MTU },
  { what: 'of IPv6', packet: big6(MTU + 1), mtu: MTU },
  { what: 'to a port of this node', packet: ip4({ to: '10.0.0.7', payload: udp({ size: MTU }) }), mtu: MTU },
  {
    what: 'larger than the path MTU',
    packet: ip4({ to: '10.0.0.5', payload: udp({ size: MTU - 28 }) }),
    mtu: 1400,
  },
  { what: 'of TCP', packet: tcp4(MTU), mtu: MTU },
  { what: 'of TCP over IPv6', packet: tcp6(MTU), mtu: MTU },
  {
    what: 'a super-packet with segments beyond it',
    packet: tcp4(3000),
    mtu: MTU,
    options: { gsoSize: MTU - 39, gsoSegs: 3 },
  },
  {
    what: 'a super-packet of IPv6 with segments beyond it',
    packet: tcp6(3000),
    mtu: MTU,
    options: { gsoSize: MTU - 59, gsoSegs: 3 },
  },
];

const UNTOLD: [what: string, packet: Buffer, reason: string][] = [
  ['Time Exceeded', icmp4([11, 0], echo, { ttl: 1 }), 'hop limit'],
  ['Destination Unreachable', icmp4([3, 1], echo, { ttl: 1 }), 'hop limit'],
  ['Source Quench', icmp4([4, 0], echo, { ttl: 1 }), 'hop limit'],
  ['a redirect', icmp4([5, 0], echo, { ttl: 1 }), 'hop limit'],
  ['Parameter Problem', icmp4([12, 0], echo, { ttl: 1 }), 'hop limit'],
  ['an ICMP packet without its header', ip4({ ttl: 1, protocol: IP.icmp, payload: Buffer.alloc(0) }), 'hop limit'],
  ['a later fragment', ip4({ ttl: 1, fragment: 0x0010 }), 'hop limit'],
  ['an error of IPv6', icmp6([1, 0], echo, { hopLimit: 1 }), 'hop limit'],
  ['an unknown error of IPv6', icmp6([127, 0], echo, { hopLimit: 1 }), 'hop limit'],
  [
    'an error of IPv6 behind destination options',
    ip6({ hopLimit: 1, next: IP.destOptions, payload: Buffer.from('3a000104000000000100000000000000', 'hex') }),
    'hop limit',
  ],
  [
    'a later fragment of IPv6',
    ip6({ hopLimit: 1, next: IP.fragment, payload: Buffer.concat([fragment6(17, 0x10), udp()]) }),
    'hop limit',
  ],
  ['an error that is too big', icmp4([3, 1], Buffer.alloc(MTU), {}), 'too big'],
  ['a later fragment that is too big', big4(MTU + 40, 0x0010), 'too big'],
];

describe('an error to the VM', () => {
  it.each([
    ...HOPS.map((one) => ['hop limit', one.what, one] as const),
    ...SIZES.map((one) => ['size', one.what, one] as const),
  ])('is sent about a packet (%s): %s', (_cause, _what, { packet, mtu, options = {} }) => {
    const bench = new Bench();
    if (mtu === 1400) bench.setUnderlay(1, [MACS.router, MACS.secondRouter], NARROW_MTU + 4, NARROW_MTU);
    const sent = bench.send('port_tc', ethernet(packet, TO_PORT), options);
    const reason = mtu === undefined ? 'answer hop limit' : 'answer too big';
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict: 'redirect', counted: { [reason]: 1 } });
    const gateway = packet.readUInt8(0) >> 4 === 4 ? GATEWAY4 : GATEWAY6;
    const expected = errorAbout(packet, { gateway, ...(mtu !== undefined && { mtu }) });
    expect(sent.frame.toString('hex')).toBe(ethernet(expected, BACK).toString('hex'));
    expect(expected.length).toBeLessThanOrEqual(gateway === GATEWAY4 ? 576 : 1280);
  });

  it.each(UNTOLD)('is not sent about %s', (_what, packet, reason) => {
    const sent = new Bench().send('port_tc', ethernet(packet, TO_PORT));
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({
      verdict: 'drop',
      counted: { [`drop ${reason}`]: 1 },
    });
  });

  it.each([
    ['about a packet to an unused address', ip4({ to: '10.0.0.99', ttl: 1 })],
    ['about a packet to the gateway', ip4({ to: GATEWAY4, ttl: 1 })],
    ['about a packet to an unused IPv6 address', ip6({ to: 'cafe::99', hopLimit: 1 })],
  ])('is left to the kernel %s', (_what, packet) => {
    const frame = ethernet(packet, TO_PORT);
    const sent = new Bench().send('port_tc', frame);
    expect(sent).toEqual({ verdict: 'next', counted: { 'punt hop limit': 1 }, frame });
  });

  it.each([
    ['an unused address', ip4({ to: '10.0.0.99' })],
    ['an unused address, at the last hop', ip4({ to: '10.0.0.99', ttl: 1 })],
    ['an unused IPv6 address', ip6({ to: 'cafe::99' })],
    ['an unused IPv6 address, at the last hop', ip6({ to: 'cafe::99', hopLimit: 1 })],
    ['an Internet address', ip6({ to: '2001:db8::99', next: IP.tcp, payload: tcp({ size: 1300 }) })],
    ['an echo request', icmp4([8, 0], echo, { to: '203.0.113.1' })],
  ])('reports an unreachable address in ebpf mode: %s', (_what, packet) => {
    const sent = new Bench({ rodata: { no_kernel_fallback: true } }).send('port_tc', ethernet(packet, TO_PORT));
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({
      verdict: 'redirect',
      counted: { 'answer unreachable': 1 },
    });
    const gateway = packet.readUInt8(0) >> 4 === 4 ? GATEWAY4 : GATEWAY6;
    const expected = errorAbout(packet, { gateway, unreachable: true });
    expect(sent.frame.toString('hex')).toBe(ethernet(expected, BACK).toString('hex'));
  });

  it.each([
    ['an error', icmp4([3, 1], echo, { to: '10.0.0.99' }), 'punt no member'],
    ['an error of IPv6', icmp6([1, 0], echo, { to: 'cafe::99' }), 'punt no member'],
    ['a later fragment', ip4({ to: '10.0.0.99', fragment: 0x0010 }), 'punt no member'],
    ['a packet to the gateway', ip4({ to: GATEWAY4 }), 'punt no member'],
    ['a packet from a forged source', ip4({ from: '10.0.0.5', to: '10.0.0.99' }), 'drop source address'],
  ])('is not sent in ebpf mode about %s', (_what, packet, reason) => {
    const sent = new Bench({ rodata: { no_kernel_fallback: true } }).send('port_tc', ethernet(packet, TO_PORT));
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict: 'drop', counted: { [reason]: 1 } });
  });

  it('is limited by the port’s rate in ebpf mode', () => {
    const bench = new Bench({ rodata: { no_kernel_fallback: true } });
    expect(bench.exhaust('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT))).toBeGreaterThanOrEqual(50);
  });

  it('is left to the kernel where the tenant has no gateway of that family', () => {
    const bench = new Bench();
    bench.setPort({ gateway4: undefined, gateway6: undefined });
    for (const packet of [ip4({ ttl: 1 }), big6(MTU + 1)]) {
      const frame = ethernet(packet, TO_PORT);
      expect(bench.send('port_tc', frame)).toMatchObject({ verdict: 'next', frame });
    }
  });

  it('does not quote the padding of the frame', () => {
    const packet = ip4({ ttl: 1, payload: udp({ size: 2 }) });
    const frame = Buffer.concat([ethernet(packet, TO_PORT), Buffer.alloc(16, 0xee)]);
    const expected = ethernet(errorAbout(packet, { gateway: GATEWAY4 }), BACK);
    expect(new Bench().send('port_tc', frame).frame.toString('hex')).toBe(expected.toString('hex'));
  });

  it.each([
    ['TCP', withPseudoSum(tcp4(MTU)), QUOTE.inet, 28],
    ['UDP', withPseudoSum(big4(MTU + 1)), QUOTE.inet, 28],
    ['TCP over IPv6', withPseudoSum(tcp6(MTU + 1)), QUOTE.inet6, 48],
    ['UDP over IPv6', withPseudoSum(big6(MTU + 7)), QUOTE.inet6, 48],
  ])('quotes the complete checksum of a packet with checksum offload: %s', (_what, packet, quoted, errorBytes) => {
    const { frame, counted } = new Bench().send('port_tc', ethernet(packet, TO_PORT));
    expect(counted).toEqual({ 'answer too big': 1 });
    const quote = frame.subarray(14 + errorBytes);
    expect(quote).toHaveLength(quoted);
    expect(computed(quote).toString('hex')).toBe(quote.toString('hex'));
    // Nothing else is another, and the error's own checksum is that of what it quotes.
    const gateway = quoted === QUOTE.inet ? GATEWAY4 : GATEWAY6;
    const expected = errorAbout(Buffer.concat([quote, packet.subarray(quoted)]), { gateway, mtu: MTU });
    expect(frame.toString('hex')).toBe(ethernet(expected, BACK).toString('hex'));
  });

  it('is limited to 100 per second with bursts of 50', () => {
    const bench = new Bench();
    const frame = ethernet(ip4({ ttl: 1 }), TO_PORT);
    const started = process.hrtime.bigint();
    const told = bench.exhaust('port_tc', frame);
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    expect(told).toBeGreaterThanOrEqual(50);
    expect(told).toBeLessThanOrEqual(Math.ceil(50 + 100 * seconds));
  });

  it('does not use up another port’s rate', () => {
    const bench = new Bench();
    const frame = ethernet(ip4({ ttl: 1 }), TO_PORT);
    bench.exhaust('port_tc', frame);
    bench.setPort({ slot: 5 });
    expect(bench.send('port_tc', frame).counted).toEqual({ 'answer hop limit': 1 });
  });
});
