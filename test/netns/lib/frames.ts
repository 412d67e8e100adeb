/** Frames made by hand: Ethernet, ARP, IPv4, IPv6, SRH, UDP, neighbour discovery. Checksums are right unless told. */
import { parseAddress, writeMac } from 'netlink-ts/inet';

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const PROTOCOL = { icmp: 1, ipip: 4, tcp: 6, udp: 17, ipv6: 41, routing: 43, icmpv6: 58 } as const;

export function ethernet(source: string, destination: string, type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(14);
  writeMac(destination, header, 0);
  writeMac(source, header, 6);
  header.writeUInt16BE(type, 12);
  return Buffer.concat([header, payload]);
}

/** An ARP request: who has `target`, tell `senderIp`. */
export function arpRequest(senderMac: string, senderIp: string, target: string): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt16BE(1, 0);
  packet.writeUInt16BE(ETHERTYPE.ipv4, 2);
  packet.writeUInt8(6, 4);
  packet.writeUInt8(4, 5);
  packet.writeUInt16BE(1, 6);
  writeMac(senderMac, packet, 8);
  bytesOf(senderIp).copy(packet, 14);
  bytesOf(target).copy(packet, 24);
  return packet;
}

/** UDP in IPv4 or IPv6, by the family of the addresses. */
export function udpPacket(source: string, destination: string, port: number): Buffer {
  const datagram = Buffer.alloc(12);
  datagram.writeUInt16BE(33333, 0);
  datagram.writeUInt16BE(port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.write('test', 8);
  return ipPacket(source, destination, PROTOCOL.udp, withChecksum(datagram, 6, source, destination, PROTOCOL.udp));
}

function ipPacket(source: string, destination: string, protocol: number, payload: Buffer): Buffer {
  return source.includes(':')
    ? ipv6Packet(source, destination, protocol, payload)
    : ipv4Packet(source, destination, protocol, payload);
}

/** A packet in an IPv6 packet, as a hypervisor would send it: next header 4 or 41. */
export function tunnelled(source: string, sid: string, inner: Buffer): Buffer {
  return ipv6Packet(source, sid, inner.readUInt8(0) >> 4 === 4 ? PROTOCOL.ipip : PROTOCOL.ipv6, inner);
}

/** UDP behind a segment routing header (RFC 8754 section 2) with one segment still to visit. */
export function udpWithSrh(source: string, destination: string, last: string, port: number): Buffer {
  const udp = udpPacket(source, last, port).subarray(40);
  const srh = Buffer.alloc(40);
  srh.writeUInt8(PROTOCOL.udp, 0);
  srh.writeUInt8(4, 1);
  srh.writeUInt8(4, 2);
  srh.writeUInt8(1, 3);
  srh.writeUInt8(1, 4);
  bytesOf(last).copy(srh, 8);
  bytesOf(destination).copy(srh, 24);
  return ipv6Packet(source, destination, PROTOCOL.routing, Buffer.concat([srh, udp]));
}

/** An IPv6 packet with extension headers in front of what it carries; the type of the first goes into its header. */
export function behind(packet: Buffer, ...headers: readonly ('hop-by-hop' | 'destination' | 'fragment')[]): Buffer {
  const numbers = { 'hop-by-hop': 0, destination: 60, fragment: 44 } as const;
  const types = [...headers.map((name) => numbers[name]), packet.readUInt8(6)];
  const extensions = headers.map((name, at) => {
    // PadN of four bytes; a fragment header with offset 0 and M set: the first of several.
    const header = Buffer.from(name === 'fragment' ? [0, 0, 0, 1, 0, 0, 0, 77] : [0, 0, 1, 4, 0, 0, 0, 0]);
    header.writeUInt8(types[at + 1] ?? 0, 0);
    return header;
  });
  const result = Buffer.concat([packet.subarray(0, 40), ...extensions, packet.subarray(40)]);
  result.writeUInt8(types[0] ?? 0, 6);
  result.writeUInt16BE(result.length - 40, 4);
  return result;
}

/** Any fragment but the first. */
export function laterFragment(packet: Buffer): Buffer {
  const fragment = behind(packet, 'fragment');
  fragment.writeUInt16BE(64, 42);
  return fragment;
}

/** Marks an IPv6 packet by its flow label, which every router leaves as it is. */
export function labelled(packet: Buffer, label: number): Buffer {
  const result = Buffer.from(packet);
  result.writeUInt32BE(0x60000000 + label, 0);
  return result;
}

/** An ICMPv6 error about a packet (RFC 4443 section 3). */
export function icmpv6Error(type: 1 | 2 | 3 | 4, source: string, destination: string, about: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 5, 0]), about]);
  return icmpv6(source, destination, message);
}

/** An ICMP error about a packet (RFC 792). */
export function icmpError(type: number, source: string, destination: string, about: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), about.subarray(0, 28)]);
  message.writeUInt16BE(checksum(message), 2);
  return ipPacket(source, destination, PROTOCOL.icmp, message);
}

/** A TCP SYN (RFC 9293), without options. */
export function tcpSyn(source: string, destination: string, port: number): Buffer {
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(33333, 0);
  segment.writeUInt16BE(port, 2);
  segment.writeUInt32BE(1, 4);
  segment.writeUInt16BE(0x5002, 12);
  segment.writeUInt16BE(65535, 14);
  const checked = withChecksum(segment, 16, source, destination, PROTOCOL.tcp);
  return ipPacket(source, destination, PROTOCOL.tcp, checked);
}

/** A neighbour solicitation with the sender's link-layer address (RFC 4861 section 4.3). */
export function neighbourSolicitation(source: string, mac: string, target: string): Buffer {
  const message = Buffer.alloc(32);
  message.writeUInt8(135, 0);
  bytesOf(target).copy(message, 8);
  message.writeUInt8(1, 24);
  message.writeUInt8(1, 25);
  writeMac(mac, message, 26);
  const group = `ff02::1:ff${bytesOf(target).toString('hex', 13, 14)}:${bytesOf(target).toString('hex', 14)}`;
  return icmpv6(source, group, message);
}

/** An unsolicited neighbour advertisement that wants to override (RFC 4861 section 4.4). */
export function neighbourAdvertisement(source: string, mac: string, target: string): Buffer {
  const message = Buffer.alloc(32);
  message.writeUInt8(136, 0);
  message.writeUInt32BE(0x20000000, 4);
  bytesOf(target).copy(message, 8);
  message.writeUInt8(2, 24);
  message.writeUInt8(1, 25);
  writeMac(mac, message, 26);
  return icmpv6(source, 'ff02::1', message);
}

/** A router advertisement with a lifetime of 1,800 s (RFC 4861 section 4.2). */
export function routerAdvertisement(source: string): Buffer {
  const message = Buffer.alloc(16);
  message.writeUInt8(134, 0);
  message.writeUInt8(64, 4);
  message.writeUInt16BE(1800, 6);
  return icmpv6(source, 'ff02::1', message);
}

function icmpv6(source: string, destination: string, message: Buffer): Buffer {
  const checked = withChecksum(message, 2, source, destination, PROTOCOL.icmpv6);
  return ipv6Packet(source, destination, PROTOCOL.icmpv6, checked, 255);
}

function ipv4Packet(source: string, destination: string, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  bytesOf(source).copy(header, 12);
  bytesOf(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

function ipv6Packet(source: string, destination: string, next: number, payload: Buffer, hopLimit = 64): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(hopLimit, 7);
  bytesOf(source).copy(header, 8);
  bytesOf(destination).copy(header, 24);
  return Buffer.concat([header, payload]);
}

/** Fills in a checksum over the pseudo header (RFC 768, RFC 8200 section 8.1). */
function withChecksum(message: Buffer, at: number, source: string, destination: string, protocol: number): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(message.length, 0);
  tail.writeUInt32BE(protocol, 4);
  const sum = checksum(Buffer.concat([bytesOf(source), bytesOf(destination), tail, message]));
  message.writeUInt16BE(sum === 0 ? 0xffff : sum, at);
  return message;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new RangeError(`${address}: expected an address`);
  return Buffer.from(parsed.bytes);
}
