/** The packet of a question, as the VM would send it. */
import { familyOf, writeAddress, writeMac } from 'netlink-ts/inet';
import type { Packet } from './look-back.js';
import type { Source } from './source.js';
import type { Question } from './types.js';

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** Bytes of the frame that are made: a test run takes some 3.5 kB; what is beyond nobody reads. */
const SYNTHETIC_BYTES = 1500;
const NUMBERS = { 4: { icmp: 1, tcp: 6, udp: 17 }, 6: { icmp: 58, tcp: 6, udp: 17 } } as const;
const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
/** Ports of a packet for which nobody says any: the first of the dynamic ones, and discard. */
const SOURCE_PORT = 49_152;
const DESTINATION_PORT = 9;
const DEFAULT_TTL = 64;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;
const DONT_FRAGMENT = 0x4000;
/** Of the smallest TCP header, in words. */
const TCP_WORDS = 5;

/** Bytes of the transport header that a protocol begins with. */
const TRANSPORT_BYTES = { icmp: 8, tcp: 20, udp: 8 } as const;

export type SyntheticPacket = Omit<Question, 'port' | 'from'> & { from: string };

/**
 * The frame, cut short where it is longer than a test run takes: its headers speak of the whole.
 *
 * @param macs the VM's, and its gateway's
 * @param most bytes of the packet that are made
 */
export function buildFrame(
  packet: SyntheticPacket,
  macs: { vm: string; gateway: string },
  most = SYNTHETIC_BYTES,
): Buffer {
  const family = familyOf(packet.to);
  const { protocol = 'icmp', ttl = DEFAULT_TTL, size, from, to } = packet;
  const ip = Buffer.alloc(family === 4 ? IPV4_BYTES : IPV6_BYTES);
  if (family === 4) {
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(size, 2);
    ip.writeUInt16BE(DONT_FRAGMENT, 6);
    ip.writeUInt8(ttl, 8);
    ip.writeUInt8(NUMBERS[4][protocol], 9);
    writeAddress(from, ip, 12);
    writeAddress(to, ip, 16);
    ip.writeUInt16BE(internetChecksum(ip), 10);
  } else {
    ip.writeUInt8(0x60, 0);
    ip.writeUInt16BE(size - IPV6_BYTES, 4);
    ip.writeUInt8(NUMBERS[6][protocol], 6);
    ip.writeUInt8(ttl, 7);
    writeAddress(from, ip, 8);
    writeAddress(to, ip, 24);
  }
  const frame = Buffer.alloc(ETHERNET_BYTES + Math.min(size, most));
  writeMac(macs.gateway, frame, 0);
  writeMac(macs.vm, frame, 6);
  frame.writeUInt16BE(family === 4 ? 0x0800 : 0x86dd, 12);
  ip.copy(frame, ETHERNET_BYTES);
  transport(packet, family).copy(frame, ETHERNET_BYTES + ip.length);
  return frame;
}

/** What the next node is to know of it. @param hopLimit as it leaves */
export function packetOf(
  { from }: Pick<Source, 'from'>,
  question: Omit<Question, 'port'>,
  hopLimit: number | undefined,
): Packet {
  const { to, size, protocol = 'icmp', syn = false } = question;
  const hasPorts = protocol !== 'icmp';
  return {
    ...{ from, to, size, protocol: NUMBERS[familyOf(to)][protocol], opens: protocol !== 'tcp' || syn },
    // The identifier of an echo request is zero.
    sourcePort: hasPorts ? (question.sourcePort ?? SOURCE_PORT) : 0,
    destinationPort: hasPorts ? (question.destinationPort ?? DESTINATION_PORT) : 0,
    ...(hopLimit !== undefined && { hopLimit }),
  };
}

/** Bytes of the whole frame. */
export function frameBytes({ size }: SyntheticPacket): number {
  return ETHERNET_BYTES + size;
}

/** Checksums are left out: nobody on the way looks at them. */
function transport({ protocol = 'icmp', ...packet }: SyntheticPacket, family: 4 | 6): Buffer {
  const header = Buffer.alloc(TRANSPORT_BYTES[protocol]);
  if (protocol === 'icmp') {
    header.writeUInt8(ECHO_REQUEST[family], 0);
    header.writeUInt16BE(1, 6);
    return header;
  }
  header.writeUInt16BE(packet.sourcePort ?? SOURCE_PORT, 0);
  header.writeUInt16BE(packet.destinationPort ?? DESTINATION_PORT, 2);
  if (protocol === 'udp') {
    header.writeUInt16BE(packet.size - (family === 4 ? IPV4_BYTES : IPV6_BYTES), 4);
  } else {
    header.writeUInt8(TCP_WORDS << 4, 12);
    header.writeUInt8(packet.syn === true ? TCP_SYN : TCP_ACK, 13);
    header.writeUInt16BE(0xffff, 14);
  }
  return header;
}

/** RFC 1071. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
