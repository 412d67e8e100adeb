/** The generator's frame: the first 64 bytes, and where in them flows differ. Pure. */
import { addressLength, writeAddress } from 'netlink-ts/inet';
import { INNER, MAC } from '../chain/names.js';
import type { Family } from '../chain/names.js';

/** What bpf/bench/generator.bpf.c writes of every frame (HEAD_WORDS words). */
export const HEAD_BYTES = 64;
/** Destination port, by which the sink knows the generator's packets. */
export const UDP_PORT = 5400;
/** Of flow 0. */
export const SOURCE_PORT = 49152;

const ETHERNET_BYTES = 14;
const UDP_BYTES = 8;
const IP_BYTES = { 4: 20, 6: 40 } as const;
const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const;
const PROTOCOL_UDP = 17;
const TTL = 64;

export interface Frame {
  /** HEAD_BYTES bytes as flow 0 has them. */
  head: Buffer;
  /** Of the last four bytes of the destination address. */
  destinationOffset: number;
  sourcePortOffset: number;
  /** 0 for IPv6, which has none. */
  ipChecksumOffset: number;
  udpChecksumOffset: number;
}

/** Bytes of UDP payload in an Ethernet frame (without FCS). */
export function payloadBytes(family: Family, frameBytes: number): number {
  return frameBytes - ETHERNET_BYTES - IP_BYTES[family] - UDP_BYTES;
}

function addressBytes(family: Family, text: string): Buffer {
  const bytes = Buffer.alloc(addressLength(family));
  writeAddress(text, bytes, 0);
  return bytes;
}

/** The Internet checksum over pieces of even length (RFC 1071). */
function checksum(...pieces: readonly Buffer[]): number {
  let sum = 0;
  for (const piece of pieces) for (let i = 0; i < piece.length; i += 2) sum += piece.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function writeMac(into: Buffer, offset: number, mac: string): void {
  mac.split(':').forEach((byte, i) => into.writeUInt8(parseInt(byte, 16), offset + i));
}

/**
 * A UDP packet from gen to the network behind the sink, with zeros as payload.
 *
 * @param frameBytes of the Ethernet frame without FCS, HEAD_BYTES at least
 */
export function makeFrame(family: Family, frameBytes: number): Frame {
  if (frameBytes < HEAD_BYTES) throw new RangeError(`frame of ${frameBytes} bytes: expected at least ${HEAD_BYTES}`);
  const head = Buffer.alloc(HEAD_BYTES);
  writeMac(head, 0, MAC.hv1Port);
  writeMac(head, 6, MAC.gen);
  head.writeUInt16BE(ETHERTYPE[family], 12);
  const source = addressBytes(family, INNER[family].gen);
  const destination = addressBytes(family, INNER[family].sink);
  const udpBytes = UDP_BYTES + payloadBytes(family, frameBytes);
  const ip = head.subarray(ETHERNET_BYTES, ETHERNET_BYTES + IP_BYTES[family]);
  if (family === 4) {
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(IP_BYTES[4] + udpBytes, 2);
    ip.writeUInt16BE(0x4000, 6); // do not fragment
    ip.writeUInt8(TTL, 8);
    ip.writeUInt8(PROTOCOL_UDP, 9);
    ip.set(source, 12);
    ip.set(destination, 16);
    ip.writeUInt16BE(checksum(ip), 10);
  } else {
    ip.writeUInt8(0x60, 0);
    ip.writeUInt16BE(udpBytes, 4);
    ip.writeUInt8(PROTOCOL_UDP, 6);
    ip.writeUInt8(TTL, 7);
    ip.set(source, 8);
    ip.set(destination, 24);
  }
  const udpAt = ETHERNET_BYTES + IP_BYTES[family];
  const udp = head.subarray(udpAt, udpAt + UDP_BYTES);
  udp.writeUInt16BE(SOURCE_PORT, 0);
  udp.writeUInt16BE(UDP_PORT, 2);
  udp.writeUInt16BE(udpBytes, 4);
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(PROTOCOL_UDP, 0);
  pseudo.writeUInt16BE(udpBytes, 2);
  udp.writeUInt16BE(checksum(source, destination, pseudo, udp), 6);
  return {
    head,
    destinationOffset: udpAt - 4,
    sourcePortOffset: udpAt,
    ipChecksumOffset: family === 4 ? ETHERNET_BYTES + 10 : 0,
    udpChecksumOffset: udpAt + 6,
  };
}
