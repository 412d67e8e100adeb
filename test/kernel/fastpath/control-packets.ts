/** ARP, neighbour discovery and ICMP as values; checksums are right unless told. */
import { formatIPv6, writeMac } from 'netlink-ts/inet';
import { bytesOf, checksum, IP, ip4, ip6 } from './packets.js';
import type { Ip4, Ip6 } from './packets.js';

export const ALL_NODES = 'ff02::1';

export interface Arp {
  /** 1 is a request, 2 a reply */
  operation?: number;
  senderMac: string;
  sender: string;
  targetMac?: string;
  target: string;
  /** hardware type, where it is not to be Ethernet */
  hardware?: number;
}

export function arp({ operation = 1, senderMac, sender, targetMac, target, hardware = 1 }: Arp): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt16BE(hardware, 0);
  packet.writeUInt16BE(0x0800, 2);
  packet.writeUInt8(6, 4);
  packet.writeUInt8(4, 5);
  packet.writeUInt16BE(operation, 6);
  writeMac(senderMac, packet, 8);
  bytesOf(sender).copy(packet, 14);
  if (targetMac !== undefined) writeMac(targetMac, packet, 18);
  bytesOf(target).copy(packet, 24);
  return packet;
}

/** An option that holds a link-layer address: 1 the source's, 2 the target's (RFC 4861 section 4.6.1). */
export function linkAddress(type: 1 | 2, mac: string): Buffer {
  const option = Buffer.from([type, 1, 0, 0, 0, 0, 0, 0]);
  writeMac(mac, option, 2);
  return option;
}

/** An ICMPv6 message in its packet. */
export function icmp6(head: readonly number[], body: Buffer, fields: Ip6): Buffer {
  const message = Buffer.concat([Buffer.from([...head, 0, 0]), body]);
  const pseudo = Buffer.alloc(40);
  bytesOf(fields.from ?? 'cafe::1').copy(pseudo, 0);
  bytesOf(fields.to ?? 'cafe::2').copy(pseudo, 16);
  pseudo.writeUInt32BE(message.length, 32);
  pseudo.writeUInt32BE(IP.icmp6, 36);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  return ip6({ ...fields, next: IP.icmp6, payload: message });
}

/** An ICMP message in its packet. */
export function icmp4(head: readonly number[], body: Buffer, fields: Ip4): Buffer {
  const message = Buffer.concat([Buffer.from([...head, 0, 0]), body]);
  message.writeUInt16BE(checksum(message), 2);
  return ip4({ ...fields, protocol: IP.icmp, payload: message });
}

export interface Solicitation extends Ip6 {
  target: string;
  options?: Buffer;
  code?: number;
}

/** To the solicited-node multicast address of what is asked for, unless told. */
export function solicitation({ target, options = Buffer.alloc(0), code = 0, ...fields }: Solicitation): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), bytesOf(target), options]);
  return icmp6([135, code], body, { to: solicitedNode(target), hopLimit: 255, ...fields });
}

export function solicitedNode(target: string): string {
  const tail = bytesOf(target).toString('hex').slice(-6);
  return `ff02::1:ff${tail.slice(0, 2)}:${tail.slice(2)}`;
}

/** The MAC address of a multicast address (RFC 2464 section 7). */
export function multicastMac(address: string): string {
  const tail = bytesOf(address).toString('hex').slice(-8);
  return `33:33:${(tail.match(/../g) ?? []).join(':')}`;
}

export interface Advertisement {
  from: string;
  to: string;
  mac: string;
  /** router, solicited, override */
  flags: { router?: boolean; solicited?: boolean };
}

export function advertisement({ from, to, mac, flags }: Advertisement): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32BE((0x20000000 | (flags.router ? 0x80000000 : 0) | (flags.solicited ? 0x40000000 : 0)) >>> 0);
  const body = Buffer.concat([word, bytesOf(from), linkAddress(2, mac)]);
  return icmp6([136, 0], body, { from, to, hopLimit: 255 });
}

/** What an error quotes of a packet at most, bytes (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c)). */
export const QUOTE = { inet: 576 - 28, inet6: 1280 - 48 } as const;

/**
 * The ICMP error about a packet, from a gateway to its sender.
 *
 * @param mtu of the next hop; without it, Time Exceeded
 */
export function errorAbout(
  packet: Buffer,
  { gateway, mtu, unreachable }: { gateway: string; mtu?: number; unreachable?: true },
): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(mtu ?? 0);
  const isInet = packet.readUInt8(0) >> 4 === 4;
  if (isInet) {
    const body = Buffer.concat([value, packet.subarray(0, QUOTE.inet)]);
    const head = unreachable ? [3, 1] : mtu === undefined ? [11, 0] : [3, 4];
    const to = [...packet.subarray(12, 16)].join('.');
    return icmp4(head, body, { from: gateway, to, tos: 0xc0, fragment: 0x4000, id: 0 });
  }
  const body = Buffer.concat([value, packet.subarray(0, QUOTE.inet6)]);
  const head = unreachable ? [1, 0] : mtu === undefined ? [3, 0] : [2, 0];
  return icmp6(head, body, { from: gateway, to: formatIPv6(packet, 8) });
}

/** A datagram whose checksum is still to be computed (CHECKSUM_PARTIAL): the sum of its pseudo header is in its place. */
export function withPseudoSum(packet: Buffer): Buffer {
  const copy = Buffer.from(packet);
  const isInet = packet.readUInt8(0) >> 4 === 4;
  const headerBytes = isInet ? 20 : 40;
  const protocol = packet.readUInt8(isInet ? 9 : 6);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(packet.length - headerBytes, 0);
  pseudo.writeUInt32BE(protocol, 4);
  const addresses = isInet ? packet.subarray(12, 20) : packet.subarray(8, 40);
  copy.writeUInt16BE(~checksum(Buffer.concat([addresses, pseudo])) & 0xffff, headerBytes + checksumAt(protocol));
  return copy;
}

/** What computing a checksum that is to be computed makes of a packet: over its transport header and all that follows. */
export function computed(packet: Buffer): Buffer {
  const copy = Buffer.from(packet);
  const isInet = packet.readUInt8(0) >> 4 === 4;
  const headerBytes = isInet ? 20 : 40;
  const at = headerBytes + checksumAt(packet.readUInt8(isInet ? 9 : 6));
  copy.writeUInt16BE(checksum(packet.subarray(headerBytes)) || 0xffff, at);
  return copy;
}

function checksumAt(protocol: number): number {
  return protocol === IP.tcp ? 16 : 6;
}
