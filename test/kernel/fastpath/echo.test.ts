/** Pings of the gateway at a port: replies of the program, and packets left to the kernel. */
import { describe, expect, it } from 'vitest';
import { Bench, GATEWAYS, MACS, MTU } from './bench.js';
import { icmp4, icmp6 } from './control-packets.js';
import { ethernet, IP, ip4, ip6, srh, udp } from './packets.js';
import type { Ip4, Ip6 } from './packets.js';

const [GATEWAY4, GATEWAY6] = GATEWAYS;
const TO_PORT = { to: MACS.port, from: MACS.vm };
const BACK = { to: MACS.vm, from: MACS.port };
/** Identifier, sequence number, data. */
const body = (bytes: number): Buffer => Buffer.concat([Buffer.from('12340001', 'hex'), Buffer.alloc(bytes, 0x5a)]);

interface Case {
  what: string;
  packet: Buffer;
  out: Buffer;
}

function ping4(what: string, data: Buffer, fields: Ip4 = {}): Case {
  return {
    what: `IPv4: ${what}`,
    packet: icmp4([8, 0], data, { to: GATEWAY4, ...fields }),
    out: icmp4([0, 0], data, { ...fields, from: GATEWAY4, to: '10.0.0.1', ttl: 64 }),
  };
}

function ping6(what: string, data: Buffer, fields: Ip6 = {}): Case {
  return {
    what: `IPv6: ${what}`,
    packet: icmp6([128, 0], data, { to: GATEWAY6, ...fields }),
    out: icmp6([129, 0], data, { ...fields, from: GATEWAY6, to: fields.from ?? 'cafe::1', hopLimit: 64 }),
  };
}

const ANSWERED: Case[] = [
  ping4('an echo request', body(56)),
  ping4('of an odd length', body(57)),
  ping4('without data', body(0)),
  ping4('longer than what is pulled together', body(MTU - 32)),
  ping4('at its last hop', body(56), { ttl: 1 }),
  ping4('the class of service is kept', body(8), { tos: 0xb9 }),
  ping4('not to be fragmented', body(8), { fragment: 0x4000 }),
  ping6('an echo request', body(56)),
  ping6('of an odd length', body(57)),
  ping6('longer than what is pulled together', body(MTU - 52)),
  ping6('at its last hop', body(56), { hopLimit: 1 }),
  ping6('class and flow label are kept', body(8), { trafficClass: 0xb9, flowLabel: 0xabcde }),
  ping6('from a link-local address', body(56), { from: 'fe80::1' }),
  ping6('from a link-local address, at its last hop', body(56), { from: 'fe80::1', hopLimit: 1 }),
];

const to4 = (fields: Ip4, head: readonly number[] = [8, 0]): Buffer =>
  icmp4(head, body(8), { to: GATEWAY4, ...fields });
const to6 = (fields: Ip6, head: readonly number[] = [128, 0]): Buffer =>
  icmp6(head, body(8), { to: GATEWAY6, ...fields });

const LEFT: [what: string, packet: Buffer, reason: string][] = [
  ['another message', to4({}, [13, 0]), 'no member'],
  ['a reply', to4({}, [0, 0]), 'no member'],
  ['a request of another code', to4({}, [8, 1]), 'no member'],
  ['a first fragment', to4({ fragment: 0x2000 }), 'no member'],
  ['a later fragment', to4({ fragment: 0x0010 }), 'no member'],
  ['IPv4 options', to4({ options: Buffer.from([7, 4, 4, 0]) }), 'no member'],
  ['UDP', ip4({ to: GATEWAY4 }), 'no member'],
  ['an unused address', to4({ to: '10.0.0.99' }), 'no member'],
  ['a reply of IPv6', to6({}, [129, 0]), 'no member'],
  ['a request of another code of IPv6', to6({}, [128, 1]), 'no member'],
  ['UDP of IPv6', ip6({ to: GATEWAY6 }), 'no member'],
  ['an unused IPv6 address', to6({ to: 'cafe::99' }), 'no member'],
  ['UDP from a link-local address', ip6({ from: 'fe80::1', to: GATEWAY6 }), 'no member'],
  ['a link-local address, from another', to6({ from: 'fe80::1', to: 'fe80::2' }), 'not routed'],
];

describe('a ping of the gateway', () => {
  it.each(ANSWERED.map((one) => [one.what, one] as const))('is answered: %s', (_what, { packet, out }) => {
    const sent = new Bench().send('port_tc', ethernet(packet, TO_PORT));
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({
      verdict: 'redirect',
      counted: { 'answer echo': 1 },
    });
    expect(sent.frame.toString('hex')).toBe(ethernet(out, BACK).toString('hex'));
  });

  it.each(LEFT)('%s is left to the kernel', (_what, packet, reason) => {
    const frame = ethernet(packet, TO_PORT);
    const sent = new Bench().send('port_tc', frame);
    expect(sent).toEqual({ verdict: 'next', counted: { [`punt ${reason}`]: 1 }, frame });
  });

  it.each([
    ['the address of another', icmp4([8, 0], body(8), { from: '10.0.0.7', to: GATEWAY4 }), 'source address'],
    ['the address of another, IPv6', icmp6([128, 0], body(8), { from: 'cafe::7', to: GATEWAY6 }), 'source address'],
    ['a link-local address to a member', to6({ from: 'fe80::1', to: 'cafe::2' }), 'source address'],
    ['a link-local address to a member of this node', to6({ from: 'fe80::1', to: 'cafe::7' }), 'source address'],
    ['a link-local address to an unused address', to6({ from: 'fe80::1', to: 'cafe::99' }), 'source address'],
    ['a link-local address to a prefix', to6({ from: 'febf::1', to: 'cafe:2::5' }), 'source address'],
    ['a link-local address to a SID', to6({ from: 'fe80::1', to: 'fd00:5e:2:4600:64::' }), 'domain address'],
    ['a routing header', ip6({ to: GATEWAY6, next: IP.routing, payload: srh(17, ['cafe::1'], 1) }), 'routing header'],
    ['a length beyond its end', ip4({ to: GATEWAY4, length: 200, payload: udp() }), 'malformed'],
  ])('is dropped from %s', (_what, packet, reason) => {
    const sent = new Bench().send('port_tc', ethernet(packet, TO_PORT));
    expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({
      verdict: 'drop',
      counted: { [`drop ${reason}`]: 1 },
    });
  });
});
