/**
 * Encoders for entries of the fast path's maps, from addresses and numbers; for the agent's resources, and for filling maps without an agent
 * (bench/lib/map-filler.ts). Each writes into zeros.
 */
import { writeMac } from 'netlink-ts/inet';
import { familyNumber, maskOf, putAddress, putPrefix } from './bytes.js';
import {
  AllowedSrcKey,
  AllowedSrcLpmKey,
  Encap,
  EndpointKey,
  Nexthop,
  NexthopFlags,
  NexthopGroup,
  Node,
  Port,
  PrefixKey,
  TrustedKey,
  Uplink,
} from './generated/layouts.js';
import { hopSlots } from './hop-slots.js';
import type { ResolvedHop } from './resolve.js';

/** Bits that precede the prefix in a trie's key: tenant or interface, and family. */
export const KEY_BITS = 64;
/** MAX_UPLINKS of bpf/abi/limits.h: XDP passes packets from further uplinks on to tcx, which handles them. */
export const MAX_UPLINKS = (Node.SIZE - Node.OFFSETS.uplinks) / Uplink.SIZE;
const SERVICE_PREFIX_BYTES = 4;
const ADDRESS_BYTES = 16;
const SRH_HEAD_BYTES = 8;
const SEGMENT_BYTES = 16;
/** Routing Type of an SRH (RFC 8754 section 2). */
const SRH_TYPE = 4;
const U16_MAX = 0xffff;

/** @param text contains the address from `start` on */
export function writeEndpointKey(tenant: number, text: string, into: Buffer, at: number, start = 0): void {
  into.writeUInt32LE(tenant, at + EndpointKey.OFFSETS.tenant);
  const family = putAddress(text, into, at + EndpointKey.OFFSETS.address, start);
  into.writeUInt32LE(family, at + EndpointKey.OFFSETS.family);
}

/** Writes the key of a tenant's prefix. @param text contains the prefix from `start` on */
export function writePrefixKey(tenant: number, text: string, into: Buffer, at: number, start = 0): void {
  into.writeUInt32LE(tenant, at + PrefixKey.OFFSETS.tenant);
  into.writeUInt32LE(familyNumber(text), at + PrefixKey.OFFSETS.family);
  const length = putPrefix(text, into, at + PrefixKey.OFFSETS.address, start);
  into.writeUInt32LE(KEY_BITS + length, at + PrefixKey.OFFSETS.length);
}

export function writeSourceKey(ifindex: number, address: string, into: Buffer, at: number): void {
  into.writeUInt32LE(ifindex, at + AllowedSrcKey.OFFSETS.ifindex);
  const family = putAddress(address, into, at + AllowedSrcKey.OFFSETS.address);
  into.writeUInt32LE(family, at + AllowedSrcKey.OFFSETS.family);
}

export function writeSourcePrefixKey(ifindex: number, prefix: string, into: Buffer, at: number): void {
  into.writeUInt32LE(ifindex, at + AllowedSrcLpmKey.OFFSETS.ifindex);
  into.writeUInt32LE(familyNumber(prefix), at + AllowedSrcLpmKey.OFFSETS.family);
  const length = putPrefix(prefix, into, at + AllowedSrcLpmKey.OFFSETS.address);
  into.writeUInt32LE(KEY_BITS + length, at + AllowedSrcLpmKey.OFFSETS.length);
}

export function writeTrustedKey(prefix: string, into: Buffer, at: number): void {
  into.writeUInt32LE(putPrefix(prefix, into, at + TrustedKey.OFFSETS.address), at + TrustedKey.OFFSETS.length);
}

/** H.Encaps.Red. @param segments in travel order */
export function writeEncap(segments: readonly string[], nexthopGroup: number, into: Buffer, at: number): void {
  const [first = '', ...rest] = segments;
  putAddress(first, into, at + Encap.OFFSETS.first);
  into.writeUInt32LE(nexthopGroup, at + Encap.OFFSETS.nexthopGroup);
  if (rest.length > 0) writeReducedSrh(rest, into, at);
}

/** Writes an SRH with neither its next header nor the first segment (RFC 8754 section 4.1.1). */
function writeReducedSrh(rest: readonly string[], into: Buffer, at: number): void {
  const bytes = SRH_HEAD_BYTES + SEGMENT_BYTES * rest.length;
  const lastEntry = rest.length - 1;
  into.writeUInt16LE(bytes, at + Encap.OFFSETS.srhBytes);
  into.writeUInt16LE(lastEntry, at + Encap.OFFSETS.lastEntry);
  const srh = at + Encap.OFFSETS.srh;
  into.writeUInt8((bytes - SRH_HEAD_BYTES) / SRH_HEAD_BYTES, srh + 1);
  into.writeUInt8(SRH_TYPE, srh + 2);
  // Segments left. The first segment is only in the destination address.
  into.writeUInt8(rest.length, srh + 3);
  into.writeUInt8(lastEntry, srh + 4);
  for (const [index, segment] of rest.entries()) {
    putAddress(segment, into, srh + SRH_HEAD_BYTES + SEGMENT_BYTES * (lastEntry - index));
  }
}

/** The next hops towards a prefix, and the next hop of each flow slot. */
export interface NexthopGroupText {
  destination: string;
  /** Length of the prefix in bits. */
  length: number;
  hops: readonly ResolvedHop[];
}

export function writeNexthopGroup({ destination, length, hops }: NexthopGroupText, into: Buffer, at: number): void {
  into.writeUInt32LE(hops.length, at + NexthopGroup.OFFSETS.count);
  into.writeUInt32LE(length, at + NexthopGroup.OFFSETS.length);
  putAddress(destination, into, at + NexthopGroup.OFFSETS.dest);
  hopSlots(hops).copy(into, at + NexthopGroup.OFFSETS.slots);
  for (const [index, { ifindex, mtu, destMac, sourceMac, weight, frames, self }] of hops.entries()) {
    const hop = at + NexthopGroup.OFFSETS.hops + index * Nexthop.SIZE;
    into.writeUInt32LE(ifindex, hop + Nexthop.OFFSETS.ifindex);
    into.writeUInt16LE(Math.min(mtu, U16_MAX), hop + Nexthop.OFFSETS.mtu);
    const flags = (frames ? NexthopFlags.NH_XDP_XMIT : 0) | (self ? NexthopFlags.NH_LOOPBACK : 0);
    into.writeUInt8(flags, hop + Nexthop.OFFSETS.flags);
    into.writeUInt8(weight - 1, hop + Nexthop.OFFSETS.weight);
    writeMac(destMac, into, hop + Nexthop.OFFSETS.destMac);
    writeMac(sourceMac, into, hop + Nexthop.OFFSETS.sourceMac);
  }
}

export interface PortText {
  tenant: number;
  /** Slot of its counters. */
  slot: number;
  /** In bytes. */
  mtu: number;
  /** enum dscp_policy */
  dscp: number;
  /** enum port_flags */
  flags: number;
  gateway4?: string | undefined;
  gateway6?: string | undefined;
  checkedSources?: number | undefined;
  mac: string;
  gatewayMac: string;
  formerMac: string;
}

export function writePort(port: PortText, into: Buffer, at: number): void {
  const { gateway4, gateway6 } = port;
  into.writeUInt32LE(port.tenant, at + Port.OFFSETS.tenant);
  into.writeUInt32LE(port.slot, at + Port.OFFSETS.slot);
  into.writeUInt16LE(Math.min(port.mtu, U16_MAX), at + Port.OFFSETS.mtu);
  into.writeUInt8(port.dscp, at + Port.OFFSETS.dscp);
  into.writeUInt8(port.flags, at + Port.OFFSETS.flags);
  if (gateway4 !== undefined) putAddress(gateway4, into, at + Port.OFFSETS.gateway4);
  if (gateway6 !== undefined) putAddress(gateway6, into, at + Port.OFFSETS.gateway6);
  into.writeUInt32LE(port.checkedSources ?? 0, at + Port.OFFSETS.checkedSources);
  writeMac(port.mac, into, at + Port.OFFSETS.vmMac);
  writeMac(port.gatewayMac, into, at + Port.OFFSETS.gatewayMac);
  writeMac(port.formerMac, into, at + Port.OFFSETS.formerMac);
}

export interface NodeText {
  source: string;
  sidBlock: string;
  hasTrusted?: true | undefined;
  /** IPv6, with length 32. */
  servicePrefix?: string | undefined;
  /** At most MAX_UPLINKS are written. */
  uplinks: readonly { index: number; mac: string }[];
}

export function writeNode(node: NodeText, into: Buffer, at: number): void {
  putAddress(node.source, into, at + Node.OFFSETS.source);
  maskOf(putPrefix(node.sidBlock, into, at + Node.OFFSETS.sidBlock)).copy(into, at + Node.OFFSETS.sidMask);
  into.writeUInt32LE(node.hasTrusted === true ? 1 : 0, at + Node.OFFSETS.hasTrusted);
  if (node.servicePrefix !== undefined) {
    const whole = Buffer.alloc(ADDRESS_BYTES);
    putPrefix(node.servicePrefix, whole, 0);
    whole.copy(into, at + Node.OFFSETS.servicePrefix, 0, SERVICE_PREFIX_BYTES);
  }
  writeUplinks(node.uplinks, into, at + Node.OFFSETS.uplinks);
}

/** Writes the MAC addresses at which uplinks accept frames. */
export function writeUplinks(uplinks: NodeText['uplinks'], into: Buffer, at: number): void {
  for (const [place, { index, mac }] of uplinks.slice(0, MAX_UPLINKS).entries()) {
    const uplink = at + place * Uplink.SIZE;
    into.writeUInt32LE(index, uplink + Uplink.OFFSETS.ifindex);
    writeMac(mac, into, uplink + Uplink.OFFSETS.mac);
  }
}
