/** Captured packets in the tests: found by what they carry, taken apart. */
import { findHeader } from '../../../src/packet/headers.js';
import type { CapturedPacket } from '../../../lab/capture.js';
import type { Header, IcmpHeader, Ipv4Header, Ipv6Header, SegmentRoutingHeader } from '../../../src/packet/headers.js';

export { decodeFrame } from '../../../src/packet/decode.js';
export { findHeader } from '../../../src/packet/headers.js';
export type { CapturedPacket } from '../../../lab/capture.js';
export type { Header } from '../../../src/packet/headers.js';

/** An encapsulated packet: the outer header, the SRH if any, and the inner packet's headers from its IP header on. */
export interface Encapsulated {
  time: number;
  outer: Ipv6Header;
  srh?: SegmentRoutingHeader;
  inner: Header[];
  /** all headers, Ethernet first */
  headers: Header[];
}

/** The packets of a capture that carry another packet in IPv6. */
export function encapsulated(packets: readonly CapturedPacket[]): Encapsulated[] {
  const found: Encapsulated[] = [];
  for (const { time, headers } of packets) {
    const outer = headers[1];
    if (outer?.layer !== 'ipv6') continue;
    const inner = headers.findIndex(
      (header, index) => index > 1 && (header.layer === 'ipv4' || header.layer === 'ipv6'),
    );
    if (inner < 0) continue;
    const srh = findHeader(headers, 'srh');
    found.push({ time, outer, ...(srh && { srh }), inner: headers.slice(inner), headers });
  }
  return found;
}

/** The inner IP header. */
export function innerIp({ inner }: Pick<Encapsulated, 'inner'>): Ipv4Header | Ipv6Header {
  const [header] = inner;
  if (header?.layer !== 'ipv4' && header?.layer !== 'ipv6') throw new TypeError('expected an IP header');
  return header;
}

/** Whether headers hold an echo request (or reply) between two addresses. */
export function isEcho(headers: readonly Header[], kind: 'request' | 'reply', from: string, to: string): boolean {
  const ip = headers.find(
    (header): header is Ipv4Header | Ipv6Header =>
      (header.layer === 'ipv4' || header.layer === 'ipv6') && header.source === from && header.destination === to,
  );
  const icmp = headers.find((header): header is IcmpHeader => header.layer === 'icmp' || header.layer === 'icmpv6');
  if (ip === undefined || icmp === undefined) return false;
  const types = icmp.layer === 'icmp' ? { request: 8, reply: 0 } : { request: 128, reply: 129 };
  return icmp.type === types[kind];
}
