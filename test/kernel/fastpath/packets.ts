/** Packets as values: every field that a test wants to set has a name and a default. Checksums are right unless told. */
import { parseAddress, writeMac } from 'netlink-ts/inet';

export const IP = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmp6: 58,
  destOptions: 60,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;

/** Extension headers that are walked over (bpf/net/parse.h), but fragments. */
export const EXTENSIONS = {
  'hop-by-hop options': IP.hopByHop,
  'destination options': IP.destOptions,
  'an atomic fragment': IP.fragment,
  AH: IP.authentication,
  mobility: IP.mobility,
  HIP: IP.hip,
  Shim6: IP.shim6,
} as const;

export function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new RangeError(`${address}: expected an address`);
  return Buffer.from(parsed.bytes);
}

export function ethernet(payload: Buffer, { to, from, type }: { to: string; from: string; type?: number }): Buffer {
  const header = Buffer.alloc(14);
  writeMac(to, header, 0);
  writeMac(from, header, 6);
  header.writeUInt16BE(type ?? (payload.readUInt8(0) >> 4 === 4 ? 0x0800 : 0x86dd), 12);
  return Buffer.concat([header, payload]);
}

/** Puts a tag into a frame, before those that it has. @param type IEEE 802.1Q, or 802.1ad */
export function tagged(frame: Buffer, id: number, type: 0x8100 | 0x88a8 = 0x8100): Buffer {
  const tag = Buffer.alloc(4);
  tag.writeUInt16BE(type, 0);
  tag.writeUInt16BE(id, 2);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

export interface Ip4 {
  from?: string;
  to?: string;
  ttl?: number;
  tos?: number;
  protocol?: number;
  id?: number;
  /** flags and offset, the third word */
  fragment?: number;
  /** multiple of 4 bytes */
  options?: Buffer;
  /** total length, where it is to be wrong */
  length?: number;
  payload?: Buffer;
}

export function ip4(fields: Ip4 = {}): Buffer {
  const { from = '10.0.0.1', to = '10.0.0.2', ttl = 64, tos = 0, protocol = IP.udp, fragment = 0 } = fields;
  const { options = Buffer.alloc(0), payload = udp() } = fields;
  const header = Buffer.concat([Buffer.alloc(20), options]);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt8(tos, 1);
  header.writeUInt16BE(fields.length ?? header.length + payload.length, 2);
  header.writeUInt16BE(fields.id ?? 0x1234, 4);
  header.writeUInt16BE(fragment, 6);
  header.writeUInt8(ttl, 8);
  header.writeUInt8(protocol, 9);
  bytesOf(from).copy(header, 12);
  bytesOf(to).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

export interface Ip6 {
  from?: string;
  to?: string;
  hopLimit?: number;
  trafficClass?: number;
  flowLabel?: number;
  next?: number;
  /** payload length, where it is to be wrong */
  length?: number;
  payload?: Buffer;
}

export function ip6(fields: Ip6 = {}): Buffer {
  const { from = 'cafe::1', to = 'cafe::2', hopLimit = 64, trafficClass = 0, flowLabel = 0, next = IP.udp } = fields;
  const { payload = udp() } = fields;
  const header = Buffer.alloc(40);
  header.writeUInt32BE((0x60000000 | (trafficClass << 20) | flowLabel) >>> 0, 0);
  header.writeUInt16BE(fields.length ?? payload.length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(hopLimit, 7);
  bytesOf(from).copy(header, 8);
  bytesOf(to).copy(header, 24);
  return Buffer.concat([header, payload]);
}

/** A datagram without a checksum of its own: nobody on the way may look at it. */
export function udp({ source = 4000, destination = 53, size = 16 } = {}): Buffer {
  const datagram = Buffer.alloc(8 + size, 0xab);
  datagram.writeUInt16BE(source, 0);
  datagram.writeUInt16BE(destination, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.writeUInt16BE(0, 6);
  return datagram;
}

export interface Tcp {
  source?: number;
  destination?: number;
  /** of the payload, bytes */
  size?: number;
  flags?: number;
  sequence?: number;
  acked?: number;
  window?: number;
  /** multiple of 4 bytes */
  options?: Buffer;
}

export function tcp(fields: Tcp = {}): Buffer {
  const { source = 4000, destination = 80, size = 100, flags = 0x10, sequence = 1, acked = 1, window = 0 } = fields;
  const { options = Buffer.alloc(0) } = fields;
  const header = 20 + options.length;
  const segment = Buffer.alloc(header + size, 0xcd);
  segment.writeUInt16BE(source, 0);
  segment.writeUInt16BE(destination, 2);
  segment.writeUInt32BE(sequence, 4);
  segment.writeUInt32BE(acked, 8);
  segment.writeUInt16BE((header << 10) | flags, 12);
  segment.writeUInt16BE(window, 14);
  options.copy(segment, 20);
  return segment;
}

/**
 * A segment routing header (RFC 8754 section 2).
 *
 * @param list the segment list as on the wire: the last segment first
 */
export function srh(next: number, list: readonly string[], segmentsLeft: number, type = 4): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(next, 0);
  header.writeUInt8(list.length * 2, 1);
  header.writeUInt8(type, 2);
  header.writeUInt8(segmentsLeft, 3);
  header.writeUInt8(Math.max(list.length - 1, 0), 4);
  return Buffer.concat([header, ...list.map(bytesOf)]);
}

/** An extension header of options, all padding (RFC 8200 section 4.2). @param bytes a multiple of 8 */
export function options6(next: number, bytes = 8): Buffer {
  const header = Buffer.alloc(bytes);
  header.writeUInt8(next, 0);
  header.writeUInt8(bytes / 8 - 1, 1);
  // PadN over the rest; longer ones than one PadN takes are of no interest here.
  header.writeUInt8(1, 2);
  header.writeUInt8(bytes - 4, 3);
  return header;
}

/** One extension header of a kind; AH with a check value of 12 bytes, whose length counts words of four (RFC 4302 section 2.2). */
export function extension6(header: number, next: number): Buffer {
  if (header === IP.fragment) return fragment6(next, 0, false);
  if (header === IP.authentication) return Buffer.concat([Buffer.from([next, 4]), Buffer.alloc(22, 0x33)]);
  return options6(next);
}

/** A fragment header (RFC 8200 section 4.5). @param offset bytes, a multiple of 8 */
export function fragment6(next: number, offset: number, more: boolean): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(next, 0);
  header.writeUInt16BE(offset | (more ? 1 : 0), 2);
  header.writeUInt32BE(0x1234, 4);
  return header;
}

/** What H.Encaps.Red makes of a packet (RFC 8986 section 5.2), with the flow label zero. */
export function encapsulated(inner: Buffer, segments: readonly string[], source: string, trafficClass = 0): Buffer {
  const [first = '', ...rest] = segments;
  const protocol = inner.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
  const routing = rest.length === 0 ? Buffer.alloc(0) : srh(protocol, [...rest].reverse(), rest.length);
  return ip6({
    from: source,
    to: first,
    trafficClass,
    next: rest.length === 0 ? protocol : IP.routing,
    payload: Buffer.concat([routing, inner]),
  });
}

/** The same frame with the flow label of its outer header zero. */
export function withoutFlowLabel(frame: Buffer): { frame: Buffer; flowLabel: number } {
  const copy = Buffer.from(frame);
  const word = copy.readUInt32BE(14);
  copy.writeUInt32BE((word & 0xfff00000) >>> 0, 14);
  return { frame: copy, flowLabel: word & 0xfffff };
}

/** The Internet checksum (RFC 1071). */
export function checksum(odd: Buffer): number {
  const bytes = odd.length % 2 === 0 ? odd : Buffer.concat([odd, Buffer.alloc(1)]);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
