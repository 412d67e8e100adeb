/** Fragments follow their first fragment. */
import { describe, expect, it } from 'vitest';
import { fragment6, IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { NetworkNode, OTHER, ZONES } from './node.js';
import { everyPort } from './policies.js';

const RED = ZONES.red.id;
const BLUE = ZONES.blue.id;
const UNKNOWN = 'drop fragment';
const MORE = 0x2000;

function openNode(): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false });
  const udpPorts = [
    { first: 0, action: 'allow', policy: 1 },
    { first: 99, action: 'deny', policy: 2 },
    { first: 100, action: 'allow', policy: 1 },
  ] as const;
  node.policies.give(RED, BLUE, { rules: [everyPort('tcp', 'allow'), { protocol: 'udp', ports: udpPorts }] });
  return node;
}

interface Ends {
  from: string;
  to: string;
}
const TO_BLUE: Ends = { from: '10.0.0.1', to: '10.1.0.2' };
const TO_RED: Ends = { from: '10.1.0.2', to: '10.0.0.1' };
const TO_BLUE6: Ends = { from: 'cafe:a::1', to: 'cafe:b::2' };

/** A datagram's first fragment, and a later one, of any identification that ip4() writes: always the same. */
const first4 = (ends: Ends, ports = {}): Buffer => ip4({ ...ends, fragment: MORE, payload: udp(ports) });
const later4 = (ends: Ends, offset = 3): Buffer => ip4({ ...ends, fragment: offset, payload: Buffer.alloc(24, 1) });
const first6 = (ends: Ends): Buffer =>
  ip6({ ...ends, next: IP.fragment, payload: Buffer.concat([fragment6(IP.udp, 0, true), udp()]) });
const later6 = (ends: Ends): Buffer =>
  ip6({ ...ends, next: IP.fragment, payload: Buffer.concat([fragment6(IP.udp, 24, false), Buffer.alloc(24, 1)]) });

describe('fragments', () => {
  it.each([
    ['IPv4', first4(TO_BLUE), later4(TO_BLUE)],
    ['IPv6', first6(TO_BLUE6), later6(TO_BLUE6)],
  ])('of %s follow their first fragment, and are dropped without it', (_family, first, later) => {
    const node = openNode();
    expect(node.sent('red', later)).toBe(UNKNOWN);
    expect([first, later, later].map((fragment) => node.sent('red', fragment))).toEqual(['passed', 'passed', 'passed']);
    node.age('red', 70);
    expect(node.sent('red', later)).toBe(UNKNOWN);
  });

  it('of a reply pass as the reply does', () => {
    const node = openNode();
    const answer = first4(TO_RED, { source: 80, destination: 4000 });
    expect([answer, later4(TO_RED)].map((fragment) => node.sent('blue', fragment))).toEqual([
      'drop no policy',
      UNKNOWN,
    ]);
    node.sent('red', ip4({ ...TO_BLUE, payload: udp({ source: 4000, destination: 80 }) }));
    expect([answer, later4(TO_RED)].map((fragment) => node.sent('blue', fragment))).toEqual(['passed', 'passed']);
  });

  it('of a refused packet are refused, whatever used the identification before', () => {
    const node = openNode();
    node.sent('red', first4(TO_BLUE, { destination: 80 }));
    expect(node.sent('red', later4(TO_BLUE))).toBe('passed');
    expect(node.sent('red', first4(TO_BLUE, { destination: 99 }))).toBe('drop policy');
    expect(node.sent('red', later4(TO_BLUE))).toBe(UNKNOWN);
  });

  it('match by tenant, addresses and protocol', () => {
    const node = openNode();
    node.sent('red', first4(TO_BLUE));
    expect(node.sent('green', later4(TO_BLUE))).toBe(UNKNOWN);
    expect(node.sent('red', later4({ ...TO_BLUE, to: '10.1.0.3' }))).toBe(UNKNOWN);
    expect(node.sent('red', ip4({ ...TO_BLUE, protocol: IP.tcp, fragment: 3, payload: Buffer.alloc(24) }))).toBe(
      UNKNOWN,
    );
  });

  it('of TCP do not overwrite its header', () => {
    const node = openNode();
    const opening = tcp({ flags: 2 });
    expect(node.sent('red', ip4({ ...TO_BLUE, protocol: IP.tcp, fragment: MORE, payload: opening }))).toBe('passed');
    const over = ip4({ ...TO_BLUE, protocol: IP.tcp, fragment: 1 | MORE, payload: Buffer.alloc(16) });
    expect(node.sent('red', over)).toBe('drop malformed');
    const tiny = ip4({ ...TO_BLUE, protocol: IP.tcp, fragment: MORE, payload: opening.subarray(0, 8) });
    expect(node.sent('red', tiny)).toBe('drop malformed');
  });

  it('are relayed to the other network node if the first one was', () => {
    const node = openNode();
    node.setMaglev(OTHER);
    expect(node.sent('blue', first4(TO_RED))).toBe('relayed');
    expect(node.sent('blue', later4(TO_RED))).toBe('relayed');
  });
});
