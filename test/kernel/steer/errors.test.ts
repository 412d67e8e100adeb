/**
 * ICMP errors of a network node about packets that it cannot forward, and packets that cause none: bytes in, bytes out.
 */
import { describe, expect, it } from 'vitest';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { bytesOf, IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { u32 } from '../libbpf/harness.js';
import { ECHO4, ECHO6, echo, errorAbout } from './icmp.js';
import { arriving, NetworkNode, PATHS, SOURCE, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { encode } from './values.js';

const IN4 = { from: '10.0.0.1', to: '10.1.0.2' } as const;
const IN6 = { from: 'cafe:a::1', to: 'cafe:b::2' } as const;
const GATEWAY4 = '10.0.0.254';
const GATEWAY6 = 'cafe:a::fe';
/** Octets of the outer header and Ethernet before the inner packet. */
const INNER = 54;

/** Red may open anything to blue, and has gateways that tell. */
function tellingNode(): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false }, 'tc');
  const rules = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));
  node.policies.give(ZONES.red.id, ZONES.blue.id, { rules });
  node.addIcmpSource('red', '0.0.0.0/0', GATEWAY4);
  node.addIcmpSource('red', '::/0', GATEWAY6);
  return node;
}

/** RFC 1071 over bytes: zero where a checksum in them is right. */
function sum(...parts: Buffer[]): number {
  let total = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) total += (part[at] ?? 0) * 256 + (part[at + 1] ?? 0);
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return 0xffff - total;
}

/** The error of a frame, after a look at its envelope: to red's hypervisor, from this node. */
function told(frame: Buffer): Buffer {
  expect(frame.subarray(22, 38).toString('hex')).toBe(bytesOf(SOURCE).toString('hex'));
  expect(frame.subarray(38, 54).toString('hex')).toBe(bytesOf(PATHS[1]?.[0] ?? '').toString('hex'));
  expect(frame.readUInt16BE(18)).toBe(frame.length - INNER);
  return frame.subarray(INNER);
}

describe('an ICMP error is sent', () => {
  it.each([
    ['at its last hop', ip4({ ...IN4, ttl: 1 }), 'answer hop limit', 11, 0, 0],
    ['too big', ip4({ ...IN4, payload: udp({ size: 1500 }) }), 'answer too big', 3, 4, 1524],
  ])('IPv4, %s', (_what, packet, reason, type, code, mtu) => {
    const { verdict, counted, frame } = tellingNode().send(arriving('red', packet));
    expect({ verdict, counted }).toEqual({ verdict: 'redirect', counted: { [reason]: 1 } });
    const error = told(frame);
    expect(frame.readUInt8(20)).toBe(IP.ipip);
    expect(error.subarray(12, 20).toString('hex')).toBe(bytesOf(GATEWAY4).toString('hex') + '0a000001');
    expect([sum(error.subarray(0, 20)), sum(error.subarray(20))]).toEqual([0, 0]);
    expect([error.readUInt8(20), error.readUInt8(21), error.readUInt32BE(24)]).toEqual([type, code, mtu]);
    const quoted = error.subarray(28);
    expect(quoted.toString('hex')).toBe(packet.subarray(0, quoted.length).toString('hex'));
    expect(error.length).toBe(Math.min(576, packet.length + 28));
  });

  it.each([
    ['at its last hop', ip6({ ...IN6, hopLimit: 1 }), 'answer hop limit', 3, 0],
    ['too big', ip6({ ...IN6, payload: udp({ size: 1500 }) }), 'answer too big', 2, 1524],
  ])('IPv6, %s', (_what, packet, reason, type, mtu) => {
    const { verdict, counted, frame } = tellingNode().send(arriving('red', packet));
    expect({ verdict, counted }).toEqual({ verdict: 'redirect', counted: { [reason]: 1 } });
    const error = told(frame);
    expect(error.subarray(8, 40).toString('hex')).toBe(
      bytesOf(GATEWAY6).toString('hex') + bytesOf(IN6.from).toString('hex'),
    );
    const pseudo = Buffer.alloc(8);
    pseudo.writeUInt32BE(error.length - 40, 0);
    pseudo.writeUInt32BE(IP.icmp6, 4);
    expect(sum(error.subarray(8, 40), pseudo, error.subarray(40))).toBe(0);
    expect([error.readUInt8(40), error.readUInt8(41), error.readUInt32BE(44)]).toEqual([type, 0, mtu]);
    const quoted = error.subarray(48);
    expect(quoted.toString('hex')).toBe(packet.subarray(0, quoted.length).toString('hex'));
    expect(error.length).toBe(Math.min(1280, packet.length + 48));
  });

  it("with the destination tenant's MTU, where it is smaller than the path MTU", () => {
    const node = tellingNode();
    node.addRoute('red', '10.1.0.0/24', 'blue', 1400);
    expect(node.sent('red', ip4({ ...IN4, payload: udp({ size: 1372 }) }))).toBe('passed');
    const { frame } = node.send(arriving('red', ip4({ ...IN4, payload: udp({ size: 1373 }) })));
    expect(told(frame).readUInt32BE(24)).toBe(1400);
  });

  it('within its tenant’s rate, which others do not use up', () => {
    const node = tellingNode();
    const packet = arriving('red', ip4({ ...IN4, ttl: 1 }));
    // All that it had of the next ten seconds.
    const limit = encode(layouts.IcmpRatelimit, { fullAtNs: process.hrtime.bigint() + 10_000_000_000n });
    node.map('sg_icmp_rate').update(u32(ZONES.blue.slot), limit);
    expect(node.send(packet).counted).toEqual({ 'answer hop limit': 1 });
    node.map('sg_icmp_rate').update(u32(ZONES.red.slot), limit);
    expect(node.send(packet)).toMatchObject({ verdict: 'drop', counted: { 'drop error rate': 1 } });
    node.map('sg_icmp_rate').update(u32(ZONES.red.slot), Buffer.alloc(layouts.IcmpRatelimit.SIZE));
  });
});

describe('no ICMP error is sent', () => {
  it.each([
    ['about an ICMP error', ip4({ ...IN4, ttl: 1, protocol: IP.icmp, payload: errorAbout(ip4(IN4), 3) })],
    ['about a later fragment', ip4({ ...IN4, ttl: 1, fragment: 100 })],
    ['about an ICMPv6 error', ip6({ ...IN6, hopLimit: 1, next: IP.icmp6, payload: errorAbout(ip6(IN6), 1) })],
    ['to a source that nobody has', ip4({ ...IN4, from: '10.0.0.77', ttl: 1 })],
  ])('%s', (_what, packet) => {
    expect(tellingNode().sent('red', packet)).toBe('drop hop limit');
  });

  it('for a tenant without a gateway of the family', () => {
    const node = tellingNode();
    const map = node.map('sg_icmp_src_lpm');
    for (const key of [...map.keys()]) map.delete(key);
    expect(node.sent('red', ip6({ ...IN6, hopLimit: 1 }))).toBe('drop hop limit');
  });

  it('except about echo requests and TCP', () => {
    const node = tellingNode();
    for (const packet of [
      ip4({ ...IN4, ttl: 1, protocol: IP.icmp, payload: echo(ECHO4.request) }),
      ip6({ ...IN6, hopLimit: 1, next: IP.icmp6, payload: echo(ECHO6.request) }),
      ip4({ ...IN4, ttl: 1, protocol: IP.tcp, payload: tcp() }),
    ]) {
      expect(node.send(arriving('red', packet)).counted).toEqual({ 'answer hop limit': 1 });
    }
  });
});
