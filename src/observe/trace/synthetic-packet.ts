/** Builds the packet of a question, as the VM would send it. */
import { familyOf, writeAddress, writeMac } from 'netlink-ts/inet';
import type { Packet } from './look-back.js';
import type { Source } from './source.js';
import type { Question } from './types.js';

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** Bytes built of the frame: a test run allows about 3.5 kB, and nothing reads the payload. */
const SYNTHETIC_BYTES = 1500;
const NUMBERS = { 4: { icmp: 1, tcp: 6, udp: 17 }, 6: { icmp: 58, tcp: 6, udp: 17 } } as const;
const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
/** Default ports: the first dynamic one, and discard. */
const SOURCE_PORT = 49_152;
const DESTINATION_PORT = 9;
const DEFAULT_TTL = 64;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;
const DONT_FRAGMENT = 0x4000;
/** Length of a TCP header without options, in 32-bit words. */
const TCP_WORDS = 5;

/** Lengths of transport headers in bytes. */
const TRANSPORT_BYTES = { icmp: 8, tcp: 20, udp: 8 } as const;

export type SyntheticPacket = Omit<Question, 'port' | 'from'> & { from: string };

/**
 * Builds the frame, truncated to the limit of a test run: its headers give the full length.
 *
 * @param macs MAC addresses of the VM and its gateway
 * @param most bytes of the packet to build
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

/** The facts of the packet that the next node needs. @param hopLimit on departure */
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

/** Length of the whole frame in bytes. */
export function frameBytes({ size }: SyntheticPacket): number {
  return ETHERNET_BYTES + size;
}

/** Checksums are omitted: no program checks them. */
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
