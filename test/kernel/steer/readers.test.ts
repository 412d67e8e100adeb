/** A network node parses packets as hypervisors do, and does not read data behind a packet in its frame. */
import { describe, expect, it } from 'vitest';
import { encapsulated, ethernet, fragment6, IP, ip4, ip6, options6, srh, tcp, udp } from '../fastpath/packets.js';
import { errorAbout } from './icmp.js';
import { GATEWAY_SIDS, HYPERVISOR, MACS, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';
import type { Hook } from './node.js';

const RED_TO_BLUE6 = { from: 'cafe:a::1', to: 'cafe:b::2' } as const;
const RED_TO_BLUE4 = { from: '10.0.0.1', to: '10.1.0.2' } as const;
const BLUE_TO_RED6 = { from: 'cafe:b::2', to: 'cafe:a::1' } as const;
const SYN = 0x02;

const HOOKS: readonly Exclude<Hook, 'external'>[] = ['xdp', 'tc'];

describe.each(HOOKS)('%s', (hook) => {
  function node(): NetworkNode {
    const made = new NetworkNode({ is_hypervisor: false }, hook);
    made.policies.give(ZONES.red.id, ZONES.blue.id, {
      rules: (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow')),
    });
    return made;
  }
  const fate = (outer: Buffer): string => {
    const frame = ethernet(outer, { to: MACS.uplink, from: MACS.router, type: 0x86dd });
    return Object.keys(node().send(frame).counted).join();
  };
  const arriving = (inner: Buffer): Buffer => encapsulated(inner, [GATEWAY_SIDS.red], HYPERVISOR);

  it('reads six extension headers, as hypervisors do', () => {
    const chain = (count: number): Buffer =>
      Buffer.concat([
        ...Array.from({ length: count }, (_, at) => options6(at === count - 1 ? IP.tcp : IP.destOptions)),
        tcp({ flags: SYN }),
      ]);
    const packet = (count: number): Buffer => ip6({ ...RED_TO_BLUE6, next: IP.destOptions, payload: chain(count) });
    expect(node().sent('red', packet(6))).toBe('passed');
    expect(node().sent('red', packet(7))).toBe('drop malformed');
  });

  it('ignores an outer header of another IP version', () => {
    const outer = arriving(ip4(RED_TO_BLUE4));
    expect(fate(outer)).toBe('forward forwarded');
    outer.writeUInt8(0x50, 0);
    expect(fate(outer)).toBe('drop malformed');
  });

  it('drops a packet longer than its outer packet or its frame', () => {
    const inner = ip4(RED_TO_BLUE4);
    const short = arriving(inner);
    short.writeUInt16BE(inner.length - 1, 4);
    expect(fate(short)).toBe('drop malformed');
    const long = arriving(inner);
    long.writeUInt16BE(inner.length + 1, 4);
    expect(fate(long)).toBe('drop malformed');
    // Padding is no part of either.
    expect(fate(Buffer.concat([arriving(inner), Buffer.alloc(9)]))).toBe('forward forwarded');
  });

  it('drops an extension header longer than its packet', () => {
    const payload = Buffer.concat([options6(IP.udp), udp()]);
    const packet = ip6({ ...RED_TO_BLUE6, next: IP.destOptions, payload, length: 4 });
    expect(fate(arriving(packet))).toBe('drop malformed');
  });

  it.each([
    ['UDP', ip4({ ...RED_TO_BLUE4, payload: udp(), length: 24 })],
    ['TCP', ip4({ ...RED_TO_BLUE4, protocol: IP.tcp, payload: tcp({ flags: SYN }), length: 32 })],
    ['ICMP', ip4({ ...RED_TO_BLUE4, protocol: IP.icmp, payload: Buffer.from('0800000000010001', 'hex'), length: 24 })],
  ])('reads no %s header behind the end of its packet', (_what, packet) => {
    expect(fate(arriving(packet))).toBe('drop malformed');
  });

  it('reads no original datagram behind the end of an error', () => {
    const made = node();
    const opened = ip6({ ...RED_TO_BLUE6, payload: udp() });
    expect(made.sent('red', opened)).toBe('passed');
    const error = (length?: number): Buffer =>
      ip6({ ...BLUE_TO_RED6, next: IP.icmp6, payload: errorAbout(opened, 1), ...(length !== undefined && { length }) });
    expect(made.sent('blue', error(8 + 40 + 7))).toBe('drop malformed');
    expect(made.sent('blue', error())).toBe('passed');
  });

  it('refuses a routing header in a later fragment, too', () => {
    const payload = Buffer.concat([fragment6(IP.routing, 64, false), srh(IP.udp, [GATEWAY_SIDS.red], 0)]);
    expect(node().sent('red', ip6({ ...RED_TO_BLUE6, next: IP.fragment, payload }))).toBe('drop routing header');
  });

  it('treats only ICMPv6 error types as errors', () => {
    const made = node();
    const opened = ip6({ ...RED_TO_BLUE6, payload: udp() });
    expect(made.sent('red', opened)).toBe('passed');
    const error = (type: number): Buffer => ip6({ ...BLUE_TO_RED6, next: IP.icmp6, payload: errorAbout(opened, type) });
    expect([0, 1, 2, 3, 4, 5].map((type) => made.sent('blue', error(type)))).toEqual([
      'drop not established',
      ...Array<string>(4).fill('passed'),
      'drop not established',
    ]);
  });
});
