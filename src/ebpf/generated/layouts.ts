// Generated from the BTF of bpf/prog/port_tc.bpf.c by `make gen`: do not edit, change the C.

import { checkLength, type Codec, getBytes, putBytes } from 'libbpf-ts/codec';

/** struct present, 8 bytes */
export interface Present {
  unused: bigint;
}

export const Present = {
  NAME: 'struct present',
  SIZE: 8,
  OFFSETS: { unused: 0 },
  encode(into: Buffer, offset: number, value: Present): void {
    into.writeBigUInt64LE(value.unused, offset);
  },
  decode(from: Buffer, offset: number): Present {
    return {
      unused: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<Present> & { OFFSETS: Record<keyof Present, number> };

/** struct trusted_key, 20 bytes */
export interface TrustedKey {
  length: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const TrustedKey = {
  NAME: 'struct trusted_key',
  SIZE: 20,
  OFFSETS: { length: 0, address: 4 },
  encode(into: Buffer, offset: number, value: TrustedKey): void {
    into.writeUInt32LE(value.length, offset);
    putBytes(into, offset + 4, value.address, 16, 'trusted_key.address');
  },
  decode(from: Buffer, offset: number): TrustedKey {
    return {
      length: from.readUInt32LE(offset),
      address: getBytes(from, offset + 4, 16),
    };
  },
} as const satisfies Codec<TrustedKey> & { OFFSETS: Record<keyof TrustedKey, number> };

/** struct uplink, 12 bytes */
export interface Uplink {
  ifindex: number;
  /** 6 bytes */
  mac: Uint8Array;
  unused: number;
}

export const Uplink = {
  NAME: 'struct uplink',
  SIZE: 12,
  OFFSETS: { ifindex: 0, mac: 4, unused: 10 },
  encode(into: Buffer, offset: number, value: Uplink): void {
    into.writeUInt32LE(value.ifindex, offset);
    putBytes(into, offset + 4, value.mac, 6, 'uplink.mac');
    into.writeUInt16LE(value.unused, offset + 10);
  },
  decode(from: Buffer, offset: number): Uplink {
    return {
      ifindex: from.readUInt32LE(offset),
      mac: getBytes(from, offset + 4, 6),
      unused: from.readUInt16LE(offset + 10),
    };
  },
} as const satisfies Codec<Uplink> & { OFFSETS: Record<keyof Uplink, number> };

/** struct node, 152 bytes */
export interface Node {
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  sidBlock: Uint8Array;
  /** 16 bytes */
  sidMask: Uint8Array;
  hasTrusted: number;
  servicePrefix: number;
  /** 8 */
  uplinks: Uplink[];
}

export const Node = {
  NAME: 'struct node',
  SIZE: 152,
  OFFSETS: { source: 0, sidBlock: 16, sidMask: 32, hasTrusted: 48, servicePrefix: 52, uplinks: 56 },
  encode(into: Buffer, offset: number, value: Node): void {
    putBytes(into, offset, value.source, 16, 'node.source');
    putBytes(into, offset + 16, value.sidBlock, 16, 'node.sid_block');
    putBytes(into, offset + 32, value.sidMask, 16, 'node.sid_mask');
    into.writeUInt32LE(value.hasTrusted, offset + 48);
    into.writeUInt32BE(value.servicePrefix, offset + 52);
    checkLength(value.uplinks, 8, 'node.uplinks');
    for (const [index, element] of value.uplinks.entries()) {
      Uplink.encode(into, offset + 56 + index * 12, element);
    }
  },
  decode(from: Buffer, offset: number): Node {
    return {
      source: getBytes(from, offset, 16),
      sidBlock: getBytes(from, offset + 16, 16),
      sidMask: getBytes(from, offset + 32, 16),
      hasTrusted: from.readUInt32LE(offset + 48),
      servicePrefix: from.readUInt32BE(offset + 52),
      uplinks: Array.from({ length: 8 }, (_, index) => Uplink.decode(from, offset + 56 + index * 12)),
    };
  },
} as const satisfies Codec<Node> & { OFFSETS: Record<keyof Node, number> };

/** struct port, 56 bytes */
export interface Port {
  tenant: number;
  slot: number;
  /** 6 bytes */
  vmMac: Uint8Array;
  /** 6 bytes */
  gatewayMac: Uint8Array;
  mtu: number;
  dscp: number;
  flags: number;
  /** 16 bytes */
  gateway6: Uint8Array;
  gateway4: number;
  checkedSources: number;
  /** 6 bytes */
  formerMac: Uint8Array;
  unused: number;
}

export const Port = {
  NAME: 'struct port',
  SIZE: 56,
  OFFSETS: {
    tenant: 0,
    slot: 4,
    vmMac: 8,
    gatewayMac: 14,
    mtu: 20,
    dscp: 22,
    flags: 23,
    gateway6: 24,
    gateway4: 40,
    checkedSources: 44,
    formerMac: 48,
    unused: 54,
  },
  encode(into: Buffer, offset: number, value: Port): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.slot, offset + 4);
    putBytes(into, offset + 8, value.vmMac, 6, 'port.vm_mac');
    putBytes(into, offset + 14, value.gatewayMac, 6, 'port.gateway_mac');
    into.writeUInt16LE(value.mtu, offset + 20);
    into.writeUInt8(value.dscp, offset + 22);
    into.writeUInt8(value.flags, offset + 23);
    putBytes(into, offset + 24, value.gateway6, 16, 'port.gateway6');
    into.writeUInt32BE(value.gateway4, offset + 40);
    into.writeUInt32LE(value.checkedSources, offset + 44);
    putBytes(into, offset + 48, value.formerMac, 6, 'port.former_mac');
    into.writeUInt16LE(value.unused, offset + 54);
  },
  decode(from: Buffer, offset: number): Port {
    return {
      tenant: from.readUInt32LE(offset),
      slot: from.readUInt32LE(offset + 4),
      vmMac: getBytes(from, offset + 8, 6),
      gatewayMac: getBytes(from, offset + 14, 6),
      mtu: from.readUInt16LE(offset + 20),
      dscp: from.readUInt8(offset + 22),
      flags: from.readUInt8(offset + 23),
      gateway6: getBytes(from, offset + 24, 16),
      gateway4: from.readUInt32BE(offset + 40),
      checkedSources: from.readUInt32LE(offset + 44),
      formerMac: getBytes(from, offset + 48, 6),
      unused: from.readUInt16LE(offset + 54),
    };
  },
} as const satisfies Codec<Port> & { OFFSETS: Record<keyof Port, number> };

/** struct migration, 32 bytes */
export interface Migration {
  activated: number;
  announced: number;
  encap4: number;
  encap6: number;
  noticeEncap: number;
  unused: number;
  relayed: bigint;
}

export const Migration = {
  NAME: 'struct migration',
  SIZE: 32,
  OFFSETS: { activated: 0, announced: 4, encap4: 8, encap6: 12, noticeEncap: 16, unused: 20, relayed: 24 },
  encode(into: Buffer, offset: number, value: Migration): void {
    into.writeUInt32LE(value.activated, offset);
    into.writeUInt32LE(value.announced, offset + 4);
    into.writeUInt32LE(value.encap4, offset + 8);
    into.writeUInt32LE(value.encap6, offset + 12);
    into.writeUInt32LE(value.noticeEncap, offset + 16);
    into.writeUInt32LE(value.unused, offset + 20);
    into.writeBigUInt64LE(value.relayed, offset + 24);
  },
  decode(from: Buffer, offset: number): Migration {
    return {
      activated: from.readUInt32LE(offset),
      announced: from.readUInt32LE(offset + 4),
      encap4: from.readUInt32LE(offset + 8),
      encap6: from.readUInt32LE(offset + 12),
      noticeEncap: from.readUInt32LE(offset + 16),
      unused: from.readUInt32LE(offset + 20),
      relayed: from.readBigUInt64LE(offset + 24),
    };
  },
} as const satisfies Codec<Migration> & { OFFSETS: Record<keyof Migration, number> };

/** struct allowed_src_key, 24 bytes */
export interface AllowedSrcKey {
  ifindex: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const AllowedSrcKey = {
  NAME: 'struct allowed_src_key',
  SIZE: 24,
  OFFSETS: { ifindex: 0, family: 4, address: 8 },
  encode(into: Buffer, offset: number, value: AllowedSrcKey): void {
    into.writeUInt32LE(value.ifindex, offset);
    into.writeUInt32LE(value.family, offset + 4);
    putBytes(into, offset + 8, value.address, 16, 'allowed_src_key.address');
  },
  decode(from: Buffer, offset: number): AllowedSrcKey {
    return {
      ifindex: from.readUInt32LE(offset),
      family: from.readUInt32LE(offset + 4),
      address: getBytes(from, offset + 8, 16),
    };
  },
} as const satisfies Codec<AllowedSrcKey> & { OFFSETS: Record<keyof AllowedSrcKey, number> };

/** struct allowed_src_lpm_key, 28 bytes */
export interface AllowedSrcLpmKey {
  length: number;
  ifindex: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const AllowedSrcLpmKey = {
  NAME: 'struct allowed_src_lpm_key',
  SIZE: 28,
  OFFSETS: { length: 0, ifindex: 4, family: 8, address: 12 },
  encode(into: Buffer, offset: number, value: AllowedSrcLpmKey): void {
    into.writeUInt32LE(value.length, offset);
    into.writeUInt32LE(value.ifindex, offset + 4);
    into.writeUInt32LE(value.family, offset + 8);
    putBytes(into, offset + 12, value.address, 16, 'allowed_src_lpm_key.address');
  },
  decode(from: Buffer, offset: number): AllowedSrcLpmKey {
    return {
      length: from.readUInt32LE(offset),
      ifindex: from.readUInt32LE(offset + 4),
      family: from.readUInt32LE(offset + 8),
      address: getBytes(from, offset + 12, 16),
    };
  },
} as const satisfies Codec<AllowedSrcLpmKey> & { OFFSETS: Record<keyof AllowedSrcLpmKey, number> };

/** struct endpoint_key, 24 bytes */
export interface EndpointKey {
  tenant: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const EndpointKey = {
  NAME: 'struct endpoint_key',
  SIZE: 24,
  OFFSETS: { tenant: 0, family: 4, address: 8 },
  encode(into: Buffer, offset: number, value: EndpointKey): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.family, offset + 4);
    putBytes(into, offset + 8, value.address, 16, 'endpoint_key.address');
  },
  decode(from: Buffer, offset: number): EndpointKey {
    return {
      tenant: from.readUInt32LE(offset),
      family: from.readUInt32LE(offset + 4),
      address: getBytes(from, offset + 8, 16),
    };
  },
} as const satisfies Codec<EndpointKey> & { OFFSETS: Record<keyof EndpointKey, number> };

/** struct endpoint, 8 bytes */
export interface Endpoint {
  type: number;
  id: number;
}

export const Endpoint = {
  NAME: 'struct endpoint',
  SIZE: 8,
  OFFSETS: { type: 0, id: 4 },
  encode(into: Buffer, offset: number, value: Endpoint): void {
    into.writeUInt32LE(value.type, offset);
    into.writeUInt32LE(value.id, offset + 4);
  },
  decode(from: Buffer, offset: number): Endpoint {
    return {
      type: from.readUInt32LE(offset),
      id: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<Endpoint> & { OFFSETS: Record<keyof Endpoint, number> };

/** struct prefix_key, 28 bytes */
export interface PrefixKey {
  length: number;
  tenant: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const PrefixKey = {
  NAME: 'struct prefix_key',
  SIZE: 28,
  OFFSETS: { length: 0, tenant: 4, family: 8, address: 12 },
  encode(into: Buffer, offset: number, value: PrefixKey): void {
    into.writeUInt32LE(value.length, offset);
    into.writeUInt32LE(value.tenant, offset + 4);
    into.writeUInt32LE(value.family, offset + 8);
    putBytes(into, offset + 12, value.address, 16, 'prefix_key.address');
  },
  decode(from: Buffer, offset: number): PrefixKey {
    return {
      length: from.readUInt32LE(offset),
      tenant: from.readUInt32LE(offset + 4),
      family: from.readUInt32LE(offset + 8),
      address: getBytes(from, offset + 12, 16),
    };
  },
} as const satisfies Codec<PrefixKey> & { OFFSETS: Record<keyof PrefixKey, number> };

/** struct encap, 80 bytes */
export interface Encap {
  /** 16 bytes */
  first: Uint8Array;
  nexthopGroup: number;
  srhBytes: number;
  lastEntry: number;
  /** 56 bytes */
  srh: Uint8Array;
}

export const Encap = {
  NAME: 'struct encap',
  SIZE: 80,
  OFFSETS: { first: 0, nexthopGroup: 16, srhBytes: 20, lastEntry: 22, srh: 24 },
  encode(into: Buffer, offset: number, value: Encap): void {
    putBytes(into, offset, value.first, 16, 'encap.first');
    into.writeUInt32LE(value.nexthopGroup, offset + 16);
    into.writeUInt16LE(value.srhBytes, offset + 20);
    into.writeUInt16LE(value.lastEntry, offset + 22);
    putBytes(into, offset + 24, value.srh, 56, 'encap.srh');
  },
  decode(from: Buffer, offset: number): Encap {
    return {
      first: getBytes(from, offset, 16),
      nexthopGroup: from.readUInt32LE(offset + 16),
      srhBytes: from.readUInt16LE(offset + 20),
      lastEntry: from.readUInt16LE(offset + 22),
      srh: getBytes(from, offset + 24, 56),
    };
  },
} as const satisfies Codec<Encap> & { OFFSETS: Record<keyof Encap, number> };

/** struct nexthop, 20 bytes */
export interface Nexthop {
  ifindex: number;
  mtu: number;
  /** 6 bytes */
  destMac: Uint8Array;
  /** 6 bytes */
  sourceMac: Uint8Array;
  flags: number;
  weight: number;
}

export const Nexthop = {
  NAME: 'struct nexthop',
  SIZE: 20,
  OFFSETS: { ifindex: 0, mtu: 4, destMac: 6, sourceMac: 12, flags: 18, weight: 19 },
  encode(into: Buffer, offset: number, value: Nexthop): void {
    into.writeUInt32LE(value.ifindex, offset);
    into.writeUInt16LE(value.mtu, offset + 4);
    putBytes(into, offset + 6, value.destMac, 6, 'nexthop.dest_mac');
    putBytes(into, offset + 12, value.sourceMac, 6, 'nexthop.source_mac');
    into.writeUInt8(value.flags, offset + 18);
    into.writeUInt8(value.weight, offset + 19);
  },
  decode(from: Buffer, offset: number): Nexthop {
    return {
      ifindex: from.readUInt32LE(offset),
      mtu: from.readUInt16LE(offset + 4),
      destMac: getBytes(from, offset + 6, 6),
      sourceMac: getBytes(from, offset + 12, 6),
      flags: from.readUInt8(offset + 18),
      weight: from.readUInt8(offset + 19),
    };
  },
} as const satisfies Codec<Nexthop> & { OFFSETS: Record<keyof Nexthop, number> };

/** struct nexthop_group, 408 bytes */
export interface NexthopGroup {
  count: number;
  length: number;
  /** 16 bytes */
  dest: Uint8Array;
  /** 16 */
  hops: Nexthop[];
  /** 64 bytes */
  slots: Uint8Array;
}

export const NexthopGroup = {
  NAME: 'struct nexthop_group',
  SIZE: 408,
  OFFSETS: { count: 0, length: 4, dest: 8, hops: 24, slots: 344 },
  encode(into: Buffer, offset: number, value: NexthopGroup): void {
    into.writeUInt32LE(value.count, offset);
    into.writeUInt32LE(value.length, offset + 4);
    putBytes(into, offset + 8, value.dest, 16, 'nexthop_group.dest');
    checkLength(value.hops, 16, 'nexthop_group.hops');
    for (const [index, element] of value.hops.entries()) {
      Nexthop.encode(into, offset + 24 + index * 20, element);
    }
    putBytes(into, offset + 344, value.slots, 64, 'nexthop_group.slots');
  },
  decode(from: Buffer, offset: number): NexthopGroup {
    return {
      count: from.readUInt32LE(offset),
      length: from.readUInt32LE(offset + 4),
      dest: getBytes(from, offset + 8, 16),
      hops: Array.from({ length: 16 }, (_, index) => Nexthop.decode(from, offset + 24 + index * 20)),
      slots: getBytes(from, offset + 344, 64),
    };
  },
} as const satisfies Codec<NexthopGroup> & { OFFSETS: Record<keyof NexthopGroup, number> };

/** struct sid, 8 bytes */
export interface Sid {
  tenant: number;
  behaviour: number;
}

export const Sid = {
  NAME: 'struct sid',
  SIZE: 8,
  OFFSETS: { tenant: 0, behaviour: 4 },
  encode(into: Buffer, offset: number, value: Sid): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.behaviour, offset + 4);
  },
  decode(from: Buffer, offset: number): Sid {
    return {
      tenant: from.readUInt32LE(offset),
      behaviour: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<Sid> & { OFFSETS: Record<keyof Sid, number> };

/** struct cache_generation, 16 bytes */
export interface CacheGeneration {
  number: bigint;
  gwFlowGeneration: number;
  unused: number;
}

export const CacheGeneration = {
  NAME: 'struct cache_generation',
  SIZE: 16,
  OFFSETS: { number: 0, gwFlowGeneration: 8, unused: 12 },
  encode(into: Buffer, offset: number, value: CacheGeneration): void {
    into.writeBigUInt64LE(value.number, offset);
    into.writeUInt32LE(value.gwFlowGeneration, offset + 8);
    into.writeUInt32LE(value.unused, offset + 12);
  },
  decode(from: Buffer, offset: number): CacheGeneration {
    return {
      number: from.readBigUInt64LE(offset),
      gwFlowGeneration: from.readUInt32LE(offset + 8),
      unused: from.readUInt32LE(offset + 12),
    };
  },
} as const satisfies Codec<CacheGeneration> & { OFFSETS: Record<keyof CacheGeneration, number> };

/** struct egress_cache_entry, 64 bytes */
export interface EgressCacheEntry {
  generation: bigint;
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  dest: Uint8Array;
  ifindex: number;
  family: number;
  protocol: number;
  unused: number;
  encap: number;
  ports: number;
  seen: number;
  gwFlowGeneration: number;
}

export const EgressCacheEntry = {
  NAME: 'struct egress_cache_entry',
  SIZE: 64,
  OFFSETS: {
    generation: 0,
    source: 8,
    dest: 24,
    ifindex: 40,
    family: 44,
    protocol: 45,
    unused: 46,
    encap: 48,
    ports: 52,
    seen: 56,
    gwFlowGeneration: 60,
  },
  encode(into: Buffer, offset: number, value: EgressCacheEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    putBytes(into, offset + 8, value.source, 16, 'egress_cache_entry.source');
    putBytes(into, offset + 24, value.dest, 16, 'egress_cache_entry.dest');
    into.writeUInt32LE(value.ifindex, offset + 40);
    into.writeUInt8(value.family, offset + 44);
    into.writeUInt8(value.protocol, offset + 45);
    into.writeUInt16LE(value.unused, offset + 46);
    into.writeUInt32LE(value.encap, offset + 48);
    into.writeUInt32LE(value.ports, offset + 52);
    into.writeUInt32LE(value.seen, offset + 56);
    into.writeUInt32LE(value.gwFlowGeneration, offset + 60);
  },
  decode(from: Buffer, offset: number): EgressCacheEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      source: getBytes(from, offset + 8, 16),
      dest: getBytes(from, offset + 24, 16),
      ifindex: from.readUInt32LE(offset + 40),
      family: from.readUInt8(offset + 44),
      protocol: from.readUInt8(offset + 45),
      unused: from.readUInt16LE(offset + 46),
      encap: from.readUInt32LE(offset + 48),
      ports: from.readUInt32LE(offset + 52),
      seen: from.readUInt32LE(offset + 56),
      gwFlowGeneration: from.readUInt32LE(offset + 60),
    };
  },
} as const satisfies Codec<EgressCacheEntry> & { OFFSETS: Record<keyof EgressCacheEntry, number> };

/** struct egress_cache_set, 256 bytes */
export interface EgressCacheSet {
  /** 4 */
  flows: EgressCacheEntry[];
}

export const EgressCacheSet = {
  NAME: 'struct egress_cache_set',
  SIZE: 256,
  OFFSETS: { flows: 0 },
  encode(into: Buffer, offset: number, value: EgressCacheSet): void {
    checkLength(value.flows, 4, 'egress_cache_set.flows');
    for (const [index, element] of value.flows.entries()) {
      EgressCacheEntry.encode(into, offset + index * 64, element);
    }
  },
  decode(from: Buffer, offset: number): EgressCacheSet {
    return {
      flows: Array.from({ length: 4 }, (_, index) => EgressCacheEntry.decode(from, offset + index * 64)),
    };
  },
} as const satisfies Codec<EgressCacheSet> & { OFFSETS: Record<keyof EgressCacheSet, number> };

/** struct decap_cache_entry, 48 bytes */
export interface DecapCacheEntry {
  generation: bigint;
  /** 16 bytes */
  sid: Uint8Array;
  /** 16 bytes */
  dest: Uint8Array;
  ifindex: number;
  family: number;
}

export const DecapCacheEntry = {
  NAME: 'struct decap_cache_entry',
  SIZE: 48,
  OFFSETS: { generation: 0, sid: 8, dest: 24, ifindex: 40, family: 44 },
  encode(into: Buffer, offset: number, value: DecapCacheEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    putBytes(into, offset + 8, value.sid, 16, 'decap_cache_entry.sid');
    putBytes(into, offset + 24, value.dest, 16, 'decap_cache_entry.dest');
    into.writeUInt32LE(value.ifindex, offset + 40);
    into.writeUInt32LE(value.family, offset + 44);
  },
  decode(from: Buffer, offset: number): DecapCacheEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      sid: getBytes(from, offset + 8, 16),
      dest: getBytes(from, offset + 24, 16),
      ifindex: from.readUInt32LE(offset + 40),
      family: from.readUInt32LE(offset + 44),
    };
  },
} as const satisfies Codec<DecapCacheEntry> & { OFFSETS: Record<keyof DecapCacheEntry, number> };

/** struct decap_cache_set, 192 bytes */
export interface DecapCacheSet {
  /** 4 */
  flows: DecapCacheEntry[];
}

export const DecapCacheSet = {
  NAME: 'struct decap_cache_set',
  SIZE: 192,
  OFFSETS: { flows: 0 },
  encode(into: Buffer, offset: number, value: DecapCacheSet): void {
    checkLength(value.flows, 4, 'decap_cache_set.flows');
    for (const [index, element] of value.flows.entries()) {
      DecapCacheEntry.encode(into, offset + index * 48, element);
    }
  },
  decode(from: Buffer, offset: number): DecapCacheSet {
    return {
      flows: Array.from({ length: 4 }, (_, index) => DecapCacheEntry.decode(from, offset + index * 48)),
    };
  },
} as const satisfies Codec<DecapCacheSet> & { OFFSETS: Record<keyof DecapCacheSet, number> };

/** struct encap_cache_entry, 448 bytes */
export interface EncapCacheEntry {
  generation: bigint;
  encap: number;
  count: number;
  /** 16 bytes */
  first: Uint8Array;
  /** 16 */
  hops: Nexthop[];
  /** 64 bytes */
  slots: Uint8Array;
  /** 4 */
  unused: bigint[];
}

export const EncapCacheEntry = {
  NAME: 'struct encap_cache_entry',
  SIZE: 448,
  OFFSETS: { generation: 0, encap: 8, count: 12, first: 16, hops: 32, slots: 352, unused: 416 },
  encode(into: Buffer, offset: number, value: EncapCacheEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    into.writeUInt32LE(value.encap, offset + 8);
    into.writeUInt32LE(value.count, offset + 12);
    putBytes(into, offset + 16, value.first, 16, 'encap_cache_entry.first');
    checkLength(value.hops, 16, 'encap_cache_entry.hops');
    for (const [index, element] of value.hops.entries()) {
      Nexthop.encode(into, offset + 32 + index * 20, element);
    }
    putBytes(into, offset + 352, value.slots, 64, 'encap_cache_entry.slots');
    checkLength(value.unused, 4, 'encap_cache_entry.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeBigUInt64LE(element, offset + 416 + index * 8);
    }
  },
  decode(from: Buffer, offset: number): EncapCacheEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      encap: from.readUInt32LE(offset + 8),
      count: from.readUInt32LE(offset + 12),
      first: getBytes(from, offset + 16, 16),
      hops: Array.from({ length: 16 }, (_, index) => Nexthop.decode(from, offset + 32 + index * 20)),
      slots: getBytes(from, offset + 352, 64),
      unused: Array.from({ length: 4 }, (_, index) => from.readBigUInt64LE(offset + 416 + index * 8)),
    };
  },
} as const satisfies Codec<EncapCacheEntry> & { OFFSETS: Record<keyof EncapCacheEntry, number> };

/** struct port_cache_entry, 128 bytes */
export interface PortCacheEntry {
  generation: bigint;
  ifindex: number;
  unused: number;
  port: Port;
  /** 7 */
  unusedLine: bigint[];
}

export const PortCacheEntry = {
  NAME: 'struct port_cache_entry',
  SIZE: 128,
  OFFSETS: { generation: 0, ifindex: 8, unused: 12, port: 16, unusedLine: 72 },
  encode(into: Buffer, offset: number, value: PortCacheEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    into.writeUInt32LE(value.ifindex, offset + 8);
    into.writeUInt32LE(value.unused, offset + 12);
    Port.encode(into, offset + 16, value.port);
    checkLength(value.unusedLine, 7, 'port_cache_entry.unused_line');
    for (const [index, element] of value.unusedLine.entries()) {
      into.writeBigUInt64LE(element, offset + 72 + index * 8);
    }
  },
  decode(from: Buffer, offset: number): PortCacheEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      ifindex: from.readUInt32LE(offset + 8),
      unused: from.readUInt32LE(offset + 12),
      port: Port.decode(from, offset + 16),
      unusedLine: Array.from({ length: 7 }, (_, index) => from.readBigUInt64LE(offset + 72 + index * 8)),
    };
  },
} as const satisfies Codec<PortCacheEntry> & { OFFSETS: Record<keyof PortCacheEntry, number> };

/** struct source_cache_entry, 32 bytes */
export interface SourceCacheEntry {
  generation: bigint;
  /** 16 bytes */
  source: Uint8Array;
  networkNode: number;
  unused: number;
}

export const SourceCacheEntry = {
  NAME: 'struct source_cache_entry',
  SIZE: 32,
  OFFSETS: { generation: 0, source: 8, networkNode: 24, unused: 28 },
  encode(into: Buffer, offset: number, value: SourceCacheEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    putBytes(into, offset + 8, value.source, 16, 'source_cache_entry.source');
    into.writeUInt32LE(value.networkNode, offset + 24);
    into.writeUInt32LE(value.unused, offset + 28);
  },
  decode(from: Buffer, offset: number): SourceCacheEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      source: getBytes(from, offset + 8, 16),
      networkNode: from.readUInt32LE(offset + 24),
      unused: from.readUInt32LE(offset + 28),
    };
  },
} as const satisfies Codec<SourceCacheEntry> & { OFFSETS: Record<keyof SourceCacheEntry, number> };

/** struct traffic_stats, 32 bytes */
export interface TrafficStats {
  txPackets: bigint;
  txBytes: bigint;
  rxPackets: bigint;
  rxBytes: bigint;
}

export const TrafficStats = {
  NAME: 'struct traffic_stats',
  SIZE: 32,
  OFFSETS: { txPackets: 0, txBytes: 8, rxPackets: 16, rxBytes: 24 },
  encode(into: Buffer, offset: number, value: TrafficStats): void {
    into.writeBigUInt64LE(value.txPackets, offset);
    into.writeBigUInt64LE(value.txBytes, offset + 8);
    into.writeBigUInt64LE(value.rxPackets, offset + 16);
    into.writeBigUInt64LE(value.rxBytes, offset + 24);
  },
  decode(from: Buffer, offset: number): TrafficStats {
    return {
      txPackets: from.readBigUInt64LE(offset),
      txBytes: from.readBigUInt64LE(offset + 8),
      rxPackets: from.readBigUInt64LE(offset + 16),
      rxBytes: from.readBigUInt64LE(offset + 24),
    };
  },
} as const satisfies Codec<TrafficStats> & { OFFSETS: Record<keyof TrafficStats, number> };

/** struct verdict_count, 8 bytes */
export interface VerdictCount {
  packets: bigint;
}

export const VerdictCount = {
  NAME: 'struct verdict_count',
  SIZE: 8,
  OFFSETS: { packets: 0 },
  encode(into: Buffer, offset: number, value: VerdictCount): void {
    into.writeBigUInt64LE(value.packets, offset);
  },
  decode(from: Buffer, offset: number): VerdictCount {
    return {
      packets: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<VerdictCount> & { OFFSETS: Record<keyof VerdictCount, number> };

/** struct notice, 24 bytes */
export interface Notice {
  /** 16 bytes */
  from: Uint8Array;
  ifindex: number;
  unused: number;
}

export const Notice = {
  NAME: 'struct notice',
  SIZE: 24,
  OFFSETS: { from: 0, ifindex: 16, unused: 20 },
  encode(into: Buffer, offset: number, value: Notice): void {
    putBytes(into, offset, value.from, 16, 'notice.from');
    into.writeUInt32LE(value.ifindex, offset + 16);
    into.writeUInt32LE(value.unused, offset + 20);
  },
  decode(from: Buffer, offset: number): Notice {
    return {
      from: getBytes(from, offset, 16),
      ifindex: from.readUInt32LE(offset + 16),
      unused: from.readUInt32LE(offset + 20),
    };
  },
} as const satisfies Codec<Notice> & { OFFSETS: Record<keyof Notice, number> };

/** struct reply_buf, 608 bytes */
export interface ReplyBuf {
  /** 32 */
  part: bigint[];
  /** 32 */
  frame: bigint[];
  /** 12 */
  orig: bigint[];
}

export const ReplyBuf = {
  NAME: 'struct reply_buf',
  SIZE: 608,
  OFFSETS: { part: 0, frame: 256, orig: 512 },
  encode(into: Buffer, offset: number, value: ReplyBuf): void {
    checkLength(value.part, 32, 'reply_buf.part');
    for (const [index, element] of value.part.entries()) {
      into.writeBigUInt64LE(element, offset + index * 8);
    }
    checkLength(value.frame, 32, 'reply_buf.frame');
    for (const [index, element] of value.frame.entries()) {
      into.writeBigUInt64LE(element, offset + 256 + index * 8);
    }
    checkLength(value.orig, 12, 'reply_buf.orig');
    for (const [index, element] of value.orig.entries()) {
      into.writeBigUInt64LE(element, offset + 512 + index * 8);
    }
  },
  decode(from: Buffer, offset: number): ReplyBuf {
    return {
      part: Array.from({ length: 32 }, (_, index) => from.readBigUInt64LE(offset + index * 8)),
      frame: Array.from({ length: 32 }, (_, index) => from.readBigUInt64LE(offset + 256 + index * 8)),
      orig: Array.from({ length: 12 }, (_, index) => from.readBigUInt64LE(offset + 512 + index * 8)),
    };
  },
} as const satisfies Codec<ReplyBuf> & { OFFSETS: Record<keyof ReplyBuf, number> };

/** struct maglev, 16376 bytes */
export interface Maglev {
  /** 4093 */
  active: number[];
  /** 4093 */
  all: number[];
  /** 2 */
  unused: number[];
}

export const Maglev = {
  NAME: 'struct maglev',
  SIZE: 16376,
  OFFSETS: { active: 0, all: 8186, unused: 16372 },
  encode(into: Buffer, offset: number, value: Maglev): void {
    checkLength(value.active, 4093, 'maglev.active');
    for (const [index, element] of value.active.entries()) {
      into.writeUInt16LE(element, offset + index * 2);
    }
    checkLength(value.all, 4093, 'maglev.all');
    for (const [index, element] of value.all.entries()) {
      into.writeUInt16LE(element, offset + 8186 + index * 2);
    }
    checkLength(value.unused, 2, 'maglev.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeUInt16LE(element, offset + 16372 + index * 2);
    }
  },
  decode(from: Buffer, offset: number): Maglev {
    return {
      active: Array.from({ length: 4093 }, (_, index) => from.readUInt16LE(offset + index * 2)),
      all: Array.from({ length: 4093 }, (_, index) => from.readUInt16LE(offset + 8186 + index * 2)),
      unused: Array.from({ length: 2 }, (_, index) => from.readUInt16LE(offset + 16372 + index * 2)),
    };
  },
} as const satisfies Codec<Maglev> & { OFFSETS: Record<keyof Maglev, number> };

/** struct network_node, 8 bytes */
export interface NetworkNode {
  isUp: number;
  unused: number;
}

export const NetworkNode = {
  NAME: 'struct network_node',
  SIZE: 8,
  OFFSETS: { isUp: 0, unused: 4 },
  encode(into: Buffer, offset: number, value: NetworkNode): void {
    into.writeUInt32LE(value.isUp, offset);
    into.writeUInt32LE(value.unused, offset + 4);
  },
  decode(from: Buffer, offset: number): NetworkNode {
    return {
      isUp: from.readUInt32LE(offset),
      unused: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<NetworkNode> & { OFFSETS: Record<keyof NetworkNode, number> };

/** struct gateway_encap_key, 8 bytes */
export interface GatewayEncapKey {
  tenant: number;
  node: number;
}

export const GatewayEncapKey = {
  NAME: 'struct gateway_encap_key',
  SIZE: 8,
  OFFSETS: { tenant: 0, node: 4 },
  encode(into: Buffer, offset: number, value: GatewayEncapKey): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.node, offset + 4);
  },
  decode(from: Buffer, offset: number): GatewayEncapKey {
    return {
      tenant: from.readUInt32LE(offset),
      node: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<GatewayEncapKey> & { OFFSETS: Record<keyof GatewayEncapKey, number> };

/** struct gw_seeds, 48 bytes */
export interface GwSeeds {
  /** 6 */
  seeds: bigint[];
}

export const GwSeeds = {
  NAME: 'struct gw_seeds',
  SIZE: 48,
  OFFSETS: { seeds: 0 },
  encode(into: Buffer, offset: number, value: GwSeeds): void {
    checkLength(value.seeds, 6, 'gw_seeds.seeds');
    for (const [index, element] of value.seeds.entries()) {
      into.writeBigUInt64LE(element, offset + index * 8);
    }
  },
  decode(from: Buffer, offset: number): GwSeeds {
    return {
      seeds: Array.from({ length: 6 }, (_, index) => from.readBigUInt64LE(offset + index * 8)),
    };
  },
} as const satisfies Codec<GwSeeds> & { OFFSETS: Record<keyof GwSeeds, number> };

/** struct gw_flow_affinity, 8 bytes */
export interface GwFlowAffinity {
  seen: number;
  node: number;
  tag: number;
}

export const GwFlowAffinity = {
  NAME: 'struct gw_flow_affinity',
  SIZE: 8,
  OFFSETS: { seen: 0, node: 2, tag: 4 },
  encode(into: Buffer, offset: number, value: GwFlowAffinity): void {
    into.writeUInt16LE(value.seen, offset);
    into.writeUInt16LE(value.node, offset + 2);
    into.writeUInt32LE(value.tag, offset + 4);
  },
  decode(from: Buffer, offset: number): GwFlowAffinity {
    return {
      seen: from.readUInt16LE(offset),
      node: from.readUInt16LE(offset + 2),
      tag: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<GwFlowAffinity> & { OFFSETS: Record<keyof GwFlowAffinity, number> };

/** struct gw_flow_line, 64 bytes */
export interface GwFlowLine {
  /** 8 */
  flows: GwFlowAffinity[];
}

export const GwFlowLine = {
  NAME: 'struct gw_flow_line',
  SIZE: 64,
  OFFSETS: { flows: 0 },
  encode(into: Buffer, offset: number, value: GwFlowLine): void {
    checkLength(value.flows, 8, 'gw_flow_line.flows');
    for (const [index, element] of value.flows.entries()) {
      GwFlowAffinity.encode(into, offset + index * 8, element);
    }
  },
  decode(from: Buffer, offset: number): GwFlowLine {
    return {
      flows: Array.from({ length: 8 }, (_, index) => GwFlowAffinity.decode(from, offset + index * 8)),
    };
  },
} as const satisfies Codec<GwFlowLine> & { OFFSETS: Record<keyof GwFlowLine, number> };

/** struct gw_evicted, 8 bytes */
export interface GwEvicted {
  flows: bigint;
}

export const GwEvicted = {
  NAME: 'struct gw_evicted',
  SIZE: 8,
  OFFSETS: { flows: 0 },
  encode(into: Buffer, offset: number, value: GwEvicted): void {
    into.writeBigUInt64LE(value.flows, offset);
  },
  decode(from: Buffer, offset: number): GwEvicted {
    return {
      flows: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<GwEvicted> & { OFFSETS: Record<keyof GwEvicted, number> };

/** struct flow_key, 40 bytes */
export interface FlowKey {
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  dest: Uint8Array;
  sourcePort: number;
  destPort: number;
  protocol: number;
  family: number;
  type: number;
  unused: number;
}

export const FlowKey = {
  NAME: 'struct flow_key',
  SIZE: 40,
  OFFSETS: { source: 0, dest: 16, sourcePort: 32, destPort: 34, protocol: 36, family: 37, type: 38, unused: 39 },
  encode(into: Buffer, offset: number, value: FlowKey): void {
    putBytes(into, offset, value.source, 16, 'flow_key.source');
    putBytes(into, offset + 16, value.dest, 16, 'flow_key.dest');
    into.writeUInt16BE(value.sourcePort, offset + 32);
    into.writeUInt16BE(value.destPort, offset + 34);
    into.writeUInt8(value.protocol, offset + 36);
    into.writeUInt8(value.family, offset + 37);
    into.writeUInt8(value.type, offset + 38);
    into.writeUInt8(value.unused, offset + 39);
  },
  decode(from: Buffer, offset: number): FlowKey {
    return {
      source: getBytes(from, offset, 16),
      dest: getBytes(from, offset + 16, 16),
      sourcePort: from.readUInt16BE(offset + 32),
      destPort: from.readUInt16BE(offset + 34),
      protocol: from.readUInt8(offset + 36),
      family: from.readUInt8(offset + 37),
      type: from.readUInt8(offset + 38),
      unused: from.readUInt8(offset + 39),
    };
  },
} as const satisfies Codec<FlowKey> & { OFFSETS: Record<keyof FlowKey, number> };

/** struct gw_flow_key, 48 bytes */
export interface GwFlowKey {
  tenant: number;
  unused: number;
  flow: FlowKey;
}

export const GwFlowKey = {
  NAME: 'struct gw_flow_key',
  SIZE: 48,
  OFFSETS: { tenant: 0, unused: 4, flow: 8 },
  encode(into: Buffer, offset: number, value: GwFlowKey): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.unused, offset + 4);
    FlowKey.encode(into, offset + 8, value.flow);
  },
  decode(from: Buffer, offset: number): GwFlowKey {
    return {
      tenant: from.readUInt32LE(offset),
      unused: from.readUInt32LE(offset + 4),
      flow: FlowKey.decode(from, offset + 8),
    };
  },
} as const satisfies Codec<GwFlowKey> & { OFFSETS: Record<keyof GwFlowKey, number> };

/** struct inner, 64 bytes */
export interface Inner {
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  dest: Uint8Array;
  addrHash: bigint;
  family: number;
  length: number;
  hash: number;
  ports: number;
  headerBytes: number;
  trafficClass: number;
  hopLimit: number;
  protocol: number;
  l4Bytes: number;
  tcpFlags: number;
  icmpType: number;
}

export const Inner = {
  NAME: 'struct inner',
  SIZE: 64,
  OFFSETS: {
    source: 0,
    dest: 16,
    addrHash: 32,
    family: 40,
    length: 44,
    hash: 48,
    ports: 52,
    headerBytes: 56,
    trafficClass: 58,
    hopLimit: 59,
    protocol: 60,
    l4Bytes: 61,
    tcpFlags: 62,
    icmpType: 63,
  },
  encode(into: Buffer, offset: number, value: Inner): void {
    putBytes(into, offset, value.source, 16, 'inner.source');
    putBytes(into, offset + 16, value.dest, 16, 'inner.dest');
    into.writeBigUInt64LE(value.addrHash, offset + 32);
    into.writeUInt32LE(value.family, offset + 40);
    into.writeUInt32LE(value.length, offset + 44);
    into.writeUInt32LE(value.hash, offset + 48);
    into.writeUInt32LE(value.ports, offset + 52);
    into.writeUInt16LE(value.headerBytes, offset + 56);
    into.writeUInt8(value.trafficClass, offset + 58);
    into.writeUInt8(value.hopLimit, offset + 59);
    into.writeUInt8(value.protocol, offset + 60);
    into.writeUInt8(value.l4Bytes, offset + 61);
    into.writeUInt8(value.tcpFlags, offset + 62);
    into.writeUInt8(value.icmpType, offset + 63);
  },
  decode(from: Buffer, offset: number): Inner {
    return {
      source: getBytes(from, offset, 16),
      dest: getBytes(from, offset + 16, 16),
      addrHash: from.readBigUInt64LE(offset + 32),
      family: from.readUInt32LE(offset + 40),
      length: from.readUInt32LE(offset + 44),
      hash: from.readUInt32LE(offset + 48),
      ports: from.readUInt32LE(offset + 52),
      headerBytes: from.readUInt16LE(offset + 56),
      trafficClass: from.readUInt8(offset + 58),
      hopLimit: from.readUInt8(offset + 59),
      protocol: from.readUInt8(offset + 60),
      l4Bytes: from.readUInt8(offset + 61),
      tcpFlags: from.readUInt8(offset + 62),
      icmpType: from.readUInt8(offset + 63),
    };
  },
} as const satisfies Codec<Inner> & { OFFSETS: Record<keyof Inner, number> };

/** struct packet, 128 bytes */
export interface Packet {
  inner: Inner;
  key: FlowKey;
  fragment: number;
  type: number;
  opens: boolean;
  tcpFlags: number;
  scale: number;
  sequence: number;
  acked: number;
  window: number;
}

export const Packet = {
  NAME: 'struct packet',
  SIZE: 128,
  OFFSETS: {
    inner: 0,
    key: 64,
    fragment: 104,
    type: 108,
    opens: 109,
    tcpFlags: 110,
    scale: 111,
    sequence: 112,
    acked: 116,
    window: 120,
  },
  encode(into: Buffer, offset: number, value: Packet): void {
    Inner.encode(into, offset, value.inner);
    FlowKey.encode(into, offset + 64, value.key);
    into.writeUInt32BE(value.fragment, offset + 104);
    into.writeUInt8(value.type, offset + 108);
    into.writeUInt8(value.opens ? 1 : 0, offset + 109);
    into.writeUInt8(value.tcpFlags, offset + 110);
    into.writeUInt8(value.scale, offset + 111);
    into.writeUInt32LE(value.sequence, offset + 112);
    into.writeUInt32LE(value.acked, offset + 116);
    into.writeUInt16LE(value.window, offset + 120);
    into.fill(0, offset + 122, offset + 128);
  },
  decode(from: Buffer, offset: number): Packet {
    return {
      inner: Inner.decode(from, offset),
      key: FlowKey.decode(from, offset + 64),
      fragment: from.readUInt32BE(offset + 104),
      type: from.readUInt8(offset + 108),
      opens: from.readUInt8(offset + 109) !== 0,
      tcpFlags: from.readUInt8(offset + 110),
      scale: from.readUInt8(offset + 111),
      sequence: from.readUInt32LE(offset + 112),
      acked: from.readUInt32LE(offset + 116),
      window: from.readUInt16LE(offset + 120),
    };
  },
} as const satisfies Codec<Packet> & { OFFSETS: Record<keyof Packet, number> };

/** struct gw_flow_buf, 184 bytes */
export interface GwFlowBuf {
  packet: Packet;
  key: GwFlowKey;
  index: number;
  tag: number;
}

export const GwFlowBuf = {
  NAME: 'struct gw_flow_buf',
  SIZE: 184,
  OFFSETS: { packet: 0, key: 128, index: 176, tag: 180 },
  encode(into: Buffer, offset: number, value: GwFlowBuf): void {
    Packet.encode(into, offset, value.packet);
    GwFlowKey.encode(into, offset + 128, value.key);
    into.writeUInt32LE(value.index, offset + 176);
    into.writeUInt32LE(value.tag, offset + 180);
  },
  decode(from: Buffer, offset: number): GwFlowBuf {
    return {
      packet: Packet.decode(from, offset),
      key: GwFlowKey.decode(from, offset + 128),
      index: from.readUInt32LE(offset + 176),
      tag: from.readUInt32LE(offset + 180),
    };
  },
} as const satisfies Codec<GwFlowBuf> & { OFFSETS: Record<keyof GwFlowBuf, number> };

/** struct icmp_ratelimit, 8 bytes */
export interface IcmpRatelimit {
  fullAtNs: bigint;
}

export const IcmpRatelimit = {
  NAME: 'struct icmp_ratelimit',
  SIZE: 8,
  OFFSETS: { fullAtNs: 0 },
  encode(into: Buffer, offset: number, value: IcmpRatelimit): void {
    into.writeBigUInt64LE(value.fullAtNs, offset);
  },
  decode(from: Buffer, offset: number): IcmpRatelimit {
    return {
      fullAtNs: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<IcmpRatelimit> & { OFFSETS: Record<keyof IcmpRatelimit, number> };

/** struct orig_dgram_buf, 1232 bytes */
export interface OrigDgramBuf {
  /** 1232 bytes */
  bytes: Uint8Array;
}

export const OrigDgramBuf = {
  NAME: 'struct orig_dgram_buf',
  SIZE: 1232,
  OFFSETS: { bytes: 0 },
  encode(into: Buffer, offset: number, value: OrigDgramBuf): void {
    putBytes(into, offset, value.bytes, 1232, 'orig_dgram_buf.bytes');
  },
  decode(from: Buffer, offset: number): OrigDgramBuf {
    return {
      bytes: getBytes(from, offset, 1232),
    };
  },
} as const satisfies Codec<OrigDgramBuf> & { OFFSETS: Record<keyof OrigDgramBuf, number> };

/** struct icmp_rate, 24 bytes */
export interface IcmpRate {
  perSecond: number;
  unused: number;
  fullAtNs: bigint;
  dropped: bigint;
}

export const IcmpRate = {
  NAME: 'struct icmp_rate',
  SIZE: 24,
  OFFSETS: { perSecond: 0, unused: 4, fullAtNs: 8, dropped: 16 },
  encode(into: Buffer, offset: number, value: IcmpRate): void {
    into.writeUInt32LE(value.perSecond, offset);
    into.writeUInt32LE(value.unused, offset + 4);
    into.writeBigUInt64LE(value.fullAtNs, offset + 8);
    into.writeBigUInt64LE(value.dropped, offset + 16);
  },
  decode(from: Buffer, offset: number): IcmpRate {
    return {
      perSecond: from.readUInt32LE(offset),
      unused: from.readUInt32LE(offset + 4),
      fullAtNs: from.readBigUInt64LE(offset + 8),
      dropped: from.readBigUInt64LE(offset + 16),
    };
  },
} as const satisfies Codec<IcmpRate> & { OFFSETS: Record<keyof IcmpRate, number> };

/** struct dhcp4_lease, 832 bytes */
export interface Dhcp4Lease {
  address: number;
  server: number;
  messageBytes: number;
  msRoutesBytes: number;
  unused: number;
  /** 552 bytes */
  message: Uint8Array;
  /** 264 bytes */
  msRoutes: Uint8Array;
}

export const Dhcp4Lease = {
  NAME: 'struct dhcp4_lease',
  SIZE: 832,
  OFFSETS: { address: 0, server: 4, messageBytes: 8, msRoutesBytes: 10, unused: 12, message: 16, msRoutes: 568 },
  encode(into: Buffer, offset: number, value: Dhcp4Lease): void {
    into.writeUInt32BE(value.address, offset);
    into.writeUInt32BE(value.server, offset + 4);
    into.writeUInt16LE(value.messageBytes, offset + 8);
    into.writeUInt16LE(value.msRoutesBytes, offset + 10);
    into.writeUInt32LE(value.unused, offset + 12);
    putBytes(into, offset + 16, value.message, 552, 'dhcp4_lease.message');
    putBytes(into, offset + 568, value.msRoutes, 264, 'dhcp4_lease.ms_routes');
  },
  decode(from: Buffer, offset: number): Dhcp4Lease {
    return {
      address: from.readUInt32BE(offset),
      server: from.readUInt32BE(offset + 4),
      messageBytes: from.readUInt16LE(offset + 8),
      msRoutesBytes: from.readUInt16LE(offset + 10),
      unused: from.readUInt32LE(offset + 12),
      message: getBytes(from, offset + 16, 552),
      msRoutes: getBytes(from, offset + 568, 264),
    };
  },
} as const satisfies Codec<Dhcp4Lease> & { OFFSETS: Record<keyof Dhcp4Lease, number> };

/** struct boot_file, 396 bytes */
export interface BootFile {
  optionBytes: number;
  unused: number;
  /** 128 bytes */
  file: Uint8Array;
  /** 264 bytes */
  options: Uint8Array;
}

export const BootFile = {
  NAME: 'struct boot_file',
  SIZE: 396,
  OFFSETS: { optionBytes: 0, unused: 2, file: 4, options: 132 },
  encode(into: Buffer, offset: number, value: BootFile): void {
    into.writeUInt16LE(value.optionBytes, offset);
    into.writeUInt16LE(value.unused, offset + 2);
    putBytes(into, offset + 4, value.file, 128, 'boot_file.file');
    putBytes(into, offset + 132, value.options, 264, 'boot_file.options');
  },
  decode(from: Buffer, offset: number): BootFile {
    return {
      optionBytes: from.readUInt16LE(offset),
      unused: from.readUInt16LE(offset + 2),
      file: getBytes(from, offset + 4, 128),
      options: getBytes(from, offset + 132, 264),
    };
  },
} as const satisfies Codec<BootFile> & { OFFSETS: Record<keyof BootFile, number> };

/** struct boot_files, 1592 bytes */
export interface BootFiles {
  server: number;
  mask: number;
  /** 4 */
  files: BootFile[];
}

export const BootFiles = {
  NAME: 'struct boot_files',
  SIZE: 1592,
  OFFSETS: { server: 0, mask: 4, files: 8 },
  encode(into: Buffer, offset: number, value: BootFiles): void {
    into.writeUInt32BE(value.server, offset);
    into.writeUInt32BE(value.mask, offset + 4);
    checkLength(value.files, 4, 'boot_files.files');
    for (const [index, element] of value.files.entries()) {
      BootFile.encode(into, offset + 8 + index * 396, element);
    }
  },
  decode(from: Buffer, offset: number): BootFiles {
    return {
      server: from.readUInt32BE(offset),
      mask: from.readUInt32BE(offset + 4),
      files: Array.from({ length: 4 }, (_, index) => BootFile.decode(from, offset + 8 + index * 396)),
    };
  },
} as const satisfies Codec<BootFiles> & { OFFSETS: Record<keyof BootFiles, number> };

/** struct dhcp6_lease, 1008 bytes */
export interface Dhcp6Lease {
  naBytes: number;
  naAddresses: number;
  pdBytes: number;
  optionsBytes: number;
  /** 248 bytes */
  na: Uint8Array;
  /** 248 bytes */
  pd: Uint8Array;
  /** 504 bytes */
  options: Uint8Array;
}

export const Dhcp6Lease = {
  NAME: 'struct dhcp6_lease',
  SIZE: 1008,
  OFFSETS: { naBytes: 0, naAddresses: 2, pdBytes: 4, optionsBytes: 6, na: 8, pd: 256, options: 504 },
  encode(into: Buffer, offset: number, value: Dhcp6Lease): void {
    into.writeUInt16LE(value.naBytes, offset);
    into.writeUInt16LE(value.naAddresses, offset + 2);
    into.writeUInt16LE(value.pdBytes, offset + 4);
    into.writeUInt16LE(value.optionsBytes, offset + 6);
    putBytes(into, offset + 8, value.na, 248, 'dhcp6_lease.na');
    putBytes(into, offset + 256, value.pd, 248, 'dhcp6_lease.pd');
    putBytes(into, offset + 504, value.options, 504, 'dhcp6_lease.options');
  },
  decode(from: Buffer, offset: number): Dhcp6Lease {
    return {
      naBytes: from.readUInt16LE(offset),
      naAddresses: from.readUInt16LE(offset + 2),
      pdBytes: from.readUInt16LE(offset + 4),
      optionsBytes: from.readUInt16LE(offset + 6),
      na: getBytes(from, offset + 8, 248),
      pd: getBytes(from, offset + 256, 248),
      options: getBytes(from, offset + 504, 504),
    };
  },
} as const satisfies Codec<Dhcp6Lease> & { OFFSETS: Record<keyof Dhcp6Lease, number> };

/** struct ra_frame, 512 bytes */
export interface RaFrame {
  bytes: number;
  unused: number;
  /** 504 bytes */
  frame: Uint8Array;
}

export const RaFrame = {
  NAME: 'struct ra_frame',
  SIZE: 512,
  OFFSETS: { bytes: 0, unused: 4, frame: 8 },
  encode(into: Buffer, offset: number, value: RaFrame): void {
    into.writeUInt32LE(value.bytes, offset);
    into.writeUInt32LE(value.unused, offset + 4);
    putBytes(into, offset + 8, value.frame, 504, 'ra_frame.frame');
  },
  decode(from: Buffer, offset: number): RaFrame {
    return {
      bytes: from.readUInt32LE(offset),
      unused: from.readUInt32LE(offset + 4),
      frame: getBytes(from, offset + 8, 504),
    };
  },
} as const satisfies Codec<RaFrame> & { OFFSETS: Record<keyof RaFrame, number> };

/** struct service, 16 bytes */
export interface Service {
  prefix: number;
  ifindex: number;
  hopLimit: number;
  kinds: number;
}

export const Service = {
  NAME: 'struct service',
  SIZE: 16,
  OFFSETS: { prefix: 0, ifindex: 4, hopLimit: 8, kinds: 12 },
  encode(into: Buffer, offset: number, value: Service): void {
    into.writeUInt32BE(value.prefix, offset);
    into.writeUInt32LE(value.ifindex, offset + 4);
    into.writeUInt32LE(value.hopLimit, offset + 8);
    into.writeUInt32LE(value.kinds, offset + 12);
  },
  decode(from: Buffer, offset: number): Service {
    return {
      prefix: from.readUInt32BE(offset),
      ifindex: from.readUInt32LE(offset + 4),
      hopLimit: from.readUInt32LE(offset + 8),
      kinds: from.readUInt32LE(offset + 12),
    };
  },
} as const satisfies Codec<Service> & { OFFSETS: Record<keyof Service, number> };

/** struct trace_session, 40 bytes */
export interface TraceSession {
  until: bigint;
  reasons: bigint;
  tenant: number;
  ifindex: number;
  rate: number;
  peer: number;
  records: bigint;
}

export const TraceSession = {
  NAME: 'struct trace_session',
  SIZE: 40,
  OFFSETS: { until: 0, reasons: 8, tenant: 16, ifindex: 20, rate: 24, peer: 28, records: 32 },
  encode(into: Buffer, offset: number, value: TraceSession): void {
    into.writeBigUInt64LE(value.until, offset);
    into.writeBigUInt64LE(value.reasons, offset + 8);
    into.writeUInt32LE(value.tenant, offset + 16);
    into.writeUInt32LE(value.ifindex, offset + 20);
    into.writeUInt32LE(value.rate, offset + 24);
    into.writeUInt32LE(value.peer, offset + 28);
    into.writeBigUInt64LE(value.records, offset + 32);
  },
  decode(from: Buffer, offset: number): TraceSession {
    return {
      until: from.readBigUInt64LE(offset),
      reasons: from.readBigUInt64LE(offset + 8),
      tenant: from.readUInt32LE(offset + 16),
      ifindex: from.readUInt32LE(offset + 20),
      rate: from.readUInt32LE(offset + 24),
      peer: from.readUInt32LE(offset + 28),
      records: from.readBigUInt64LE(offset + 32),
    };
  },
} as const satisfies Codec<TraceSession> & { OFFSETS: Record<keyof TraceSession, number> };

/** struct trace_ratelimit, 32 bytes */
export interface TraceRatelimit {
  updated: bigint;
  tokens: bigint;
  suppressed: bigint;
  lost: bigint;
}

export const TraceRatelimit = {
  NAME: 'struct trace_ratelimit',
  SIZE: 32,
  OFFSETS: { updated: 0, tokens: 8, suppressed: 16, lost: 24 },
  encode(into: Buffer, offset: number, value: TraceRatelimit): void {
    into.writeBigUInt64LE(value.updated, offset);
    into.writeBigUInt64LE(value.tokens, offset + 8);
    into.writeBigUInt64LE(value.suppressed, offset + 16);
    into.writeBigUInt64LE(value.lost, offset + 24);
  },
  decode(from: Buffer, offset: number): TraceRatelimit {
    return {
      updated: from.readBigUInt64LE(offset),
      tokens: from.readBigUInt64LE(offset + 8),
      suppressed: from.readBigUInt64LE(offset + 16),
      lost: from.readBigUInt64LE(offset + 24),
    };
  },
} as const satisfies Codec<TraceRatelimit> & { OFFSETS: Record<keyof TraceRatelimit, number> };

/** struct trace_event, 72 bytes */
export interface TraceEvent {
  time: bigint;
  reason: number;
  hook: number;
  tenant: number;
  ifindex: number;
  egress: number;
  length: number;
  captured: number;
  afterLength: number;
  afterCaptured: number;
  segments: number;
  vlanTci: number;
  peer: number;
  policy: number;
  flags: number;
  endpoint: number;
  endpointId: number;
}

export const TraceEvent = {
  NAME: 'struct trace_event',
  SIZE: 72,
  OFFSETS: {
    time: 0,
    reason: 8,
    hook: 12,
    tenant: 16,
    ifindex: 20,
    egress: 24,
    length: 28,
    captured: 32,
    afterLength: 36,
    afterCaptured: 40,
    segments: 44,
    vlanTci: 48,
    peer: 52,
    policy: 56,
    flags: 60,
    endpoint: 64,
    endpointId: 68,
  },
  encode(into: Buffer, offset: number, value: TraceEvent): void {
    into.writeBigUInt64LE(value.time, offset);
    into.writeUInt32LE(value.reason, offset + 8);
    into.writeUInt32LE(value.hook, offset + 12);
    into.writeUInt32LE(value.tenant, offset + 16);
    into.writeUInt32LE(value.ifindex, offset + 20);
    into.writeUInt32LE(value.egress, offset + 24);
    into.writeUInt32LE(value.length, offset + 28);
    into.writeUInt32LE(value.captured, offset + 32);
    into.writeUInt32LE(value.afterLength, offset + 36);
    into.writeUInt32LE(value.afterCaptured, offset + 40);
    into.writeUInt32LE(value.segments, offset + 44);
    into.writeUInt32LE(value.vlanTci, offset + 48);
    into.writeUInt32LE(value.peer, offset + 52);
    into.writeUInt32LE(value.policy, offset + 56);
    into.writeUInt32LE(value.flags, offset + 60);
    into.writeUInt32LE(value.endpoint, offset + 64);
    into.writeUInt32LE(value.endpointId, offset + 68);
  },
  decode(from: Buffer, offset: number): TraceEvent {
    return {
      time: from.readBigUInt64LE(offset),
      reason: from.readUInt32LE(offset + 8),
      hook: from.readUInt32LE(offset + 12),
      tenant: from.readUInt32LE(offset + 16),
      ifindex: from.readUInt32LE(offset + 20),
      egress: from.readUInt32LE(offset + 24),
      length: from.readUInt32LE(offset + 28),
      captured: from.readUInt32LE(offset + 32),
      afterLength: from.readUInt32LE(offset + 36),
      afterCaptured: from.readUInt32LE(offset + 40),
      segments: from.readUInt32LE(offset + 44),
      vlanTci: from.readUInt32LE(offset + 48),
      peer: from.readUInt32LE(offset + 52),
      policy: from.readUInt32LE(offset + 56),
      flags: from.readUInt32LE(offset + 60),
      endpoint: from.readUInt32LE(offset + 64),
      endpointId: from.readUInt32LE(offset + 68),
    };
  },
} as const satisfies Codec<TraceEvent> & { OFFSETS: Record<keyof TraceEvent, number> };

/** struct trace_buf, 18520 bytes */
export interface TraceBuf {
  event: TraceEvent;
  /** 18432 bytes */
  bytes: Uint8Array;
  kept: number;
  decided: number;
  zone: number;
  unused: number;
}

export const TraceBuf = {
  NAME: 'struct trace_buf',
  SIZE: 18520,
  OFFSETS: { event: 0, bytes: 72, kept: 18504, decided: 18508, zone: 18512, unused: 18516 },
  encode(into: Buffer, offset: number, value: TraceBuf): void {
    TraceEvent.encode(into, offset, value.event);
    putBytes(into, offset + 72, value.bytes, 18432, 'trace_buf.bytes');
    into.writeUInt32LE(value.kept, offset + 18504);
    into.writeUInt32LE(value.decided, offset + 18508);
    into.writeUInt32LE(value.zone, offset + 18512);
    into.writeUInt32LE(value.unused, offset + 18516);
  },
  decode(from: Buffer, offset: number): TraceBuf {
    return {
      event: TraceEvent.decode(from, offset),
      bytes: getBytes(from, offset + 72, 18432),
      kept: from.readUInt32LE(offset + 18504),
      decided: from.readUInt32LE(offset + 18508),
      zone: from.readUInt32LE(offset + 18512),
      unused: from.readUInt32LE(offset + 18516),
    };
  },
} as const satisfies Codec<TraceBuf> & { OFFSETS: Record<keyof TraceBuf, number> };

/** struct trace_enabled, 8 bytes */
export interface TraceEnabled {
  active: number;
  snap: number;
}

export const TraceEnabled = {
  NAME: 'struct trace_enabled',
  SIZE: 8,
  OFFSETS: { active: 0, snap: 4 },
  encode(into: Buffer, offset: number, value: TraceEnabled): void {
    into.writeUInt32LE(value.active, offset);
    into.writeUInt32LE(value.snap, offset + 4);
  },
  decode(from: Buffer, offset: number): TraceEnabled {
    return {
      active: from.readUInt32LE(offset),
      snap: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<TraceEnabled> & { OFFSETS: Record<keyof TraceEnabled, number> };

/** enum reason */
export const Reason = {
  REASON_FORWARDED: 0,
  ANSWER_ARP: 1,
  ANSWER_NEIGHBOUR: 2,
  ANSWER_ECHO: 3,
  ANSWER_HOP_LIMIT: 4,
  ANSWER_TOO_BIG: 5,
  ANSWER_UNREACHABLE: 6,
  ANSWER_DHCP: 7,
  ANSWER_DHCP_NAK: 8,
  ANSWER_DHCPV6: 9,
  ANSWER_ROUTER: 10,
  ANSWER_SERVICE: 11,
  PUNT_NOT_IP: 12,
  PUNT_NOT_ROUTED: 13,
  PUNT_NO_MEMBER: 14,
  PUNT_NOT_LOCAL: 15,
  PUNT_IP_OPTIONS: 16,
  PUNT_HOP_LIMIT: 17,
  PUNT_TOO_BIG: 18,
  PUNT_UNRESOLVED: 19,
  PUNT_SEGMENTS: 20,
  PUNT_NO_ROOM: 21,
  PUNT_NO_OFFLOAD: 22,
  PUNT_NO_PORT: 23,
  PASS_VLAN: 24,
  PASS_HOST: 25,
  DROP_MALFORMED: 26,
  DROP_SOURCE_MAC: 27,
  DROP_SOURCE_ADDRESS: 28,
  DROP_NEIGHBOUR_SENDER: 29,
  DROP_DHCP: 30,
  DROP_DHCP_RELEASE: 31,
  DROP_DOMAIN_ADDRESS: 32,
  DROP_VLAN: 33,
  DROP_DETACHED: 34,
  DROP_ROUTING_HEADER: 35,
  DROP_UNTRUSTED_SOURCE: 36,
  DROP_INNER_SOURCE: 37,
  DROP_BEHAVIOUR: 38,
  DROP_NO_ROOM: 39,
  DROP_HOP_LIMIT: 40,
  DROP_TOO_BIG: 41,
  DROP_ERROR_RATE: 42,
  DROP_ICMP_RATE: 43,
  DROP_ECN: 44,
  DROP_STANDBY: 45,
  DROP_MIGRATED: 46,
  DROP_NO_POLICY: 47,
  DROP_NO_POLICY_MATCH: 48,
  DROP_POLICY: 49,
  DROP_NOT_ESTABLISHED: 50,
  DROP_FRAGMENT: 51,
  DROP_SEQUENCE: 52,
  DROP_CONNECTION_QUOTA: 53,
  DROP_CONNECTIONS_FULL: 54,
  DROP_NO_NETWORK_NODE: 55,
  DROP_NO_MEMBER: 56,
  DROP_UNRESOLVED: 57,
  DROP_SEGMENTS: 58,
  DROP_NO_OFFLOAD: 59,
  DROP_NO_SERVICE: 60,
  REASON_COUNT: 61,
} as const;

/** enum dhcp4_layout */
export const Dhcp4Layout = {
  DHCP4_FIXED_BYTES: 240,
  DHCP4_TYPE_AT: 242,
  DHCP4_TIMES_AT: 249,
  DHCP4_TIMES_BYTES: 18,
  DHCP4_MASK_AT: 269,
} as const;

/** enum boot_client */
export const BootClient = {
  BOOT_BIOS: 0,
  BOOT_UEFI: 1,
  BOOT_IPXE: 2,
  BOOT_HTTP: 3,
  BOOT_CLIENTS: 4,
} as const;

/** enum reply_program */
export const ReplyProgram = {
  REPLY_DHCP4: 0,
  REPLY_DHCP6: 1,
  REPLY_SERVICE: 2,
  REPLY_PROGRAMS: 3,
} as const;

/** enum service_kind */
export const ServiceKind = {
  SERVICE_NONE: 0,
  SERVICE_METADATA4: 1,
  SERVICE_METADATA6: 2,
  SERVICE_METADATA_LINK: 3,
  SERVICE_DNS4: 4,
  SERVICE_DNS6: 5,
  SERVICE_KINDS: 6,
} as const;

/** enum endpoint_type */
export const EndpointType = {
  EP_LOCAL: 1,
  EP_REMOTE: 2,
  EP_GATEWAY: 3,
  EP_VIA_GATEWAY: 8,
  EP_EXTERNAL: 9,
  EP_BLACKHOLE: 10,
} as const;

/** enum port_flags */
export const PortFlags = {
  PORT_TUNNEL_SEGMENTATION: 1,
  PORT_XDP_XMIT: 2,
  PORT_REDIRECT_PEER: 4,
  PORT_VLANS: 8,
  PORT_MIGRATES: 16,
  PORT_STANDBY: 32,
} as const;

/** enum nexthop_flags */
export const NexthopFlags = {
  NH_LOOPBACK: 1,
  NH_XDP_XMIT: 2,
} as const;

/** enum mark */
export const Mark = {
  MARK_LOOPBACK: 1586554337,
  MARK_SERVICE: 1586554339,
  MARK_ADVERTISE: 1586554338,
} as const;

/** enum dscp_policy */
export const DscpPolicy = {
  DSCP_COPY: 0,
  DSCP_ZERO: 1,
  DSCP_FIXED: 128,
} as const;

/** enum behaviour */
export const Behaviour = {
  END_DT4: 4,
  END_DT6: 6,
  END_DT46: 70,
} as const;

/** enum family */
export const Family = {
  FAMILY_INET: 4,
  FAMILY_INET6: 6,
} as const;

/** enum hook */
export const Hook = {
  HOOK_PORT: 1,
  HOOK_PORT_XDP: 2,
  HOOK_UPLINK: 3,
  HOOK_UPLINK_XDP: 4,
  HOOK_NN_UPLINK: 5,
  HOOK_NN_UPLINK_XDP: 6,
  HOOK_EXTERNAL: 7,
} as const;

/** enum trace_flags */
export const TraceFlags = {
  TRACE_LOGGED: 1,
  TRACE_RELAYED: 2,
  TRACE_REPLY: 4,
  TRACE_OPENED: 8,
} as const;

/** enum limits */
export const Limits = {
  MAX_SEGMENTS: 4,
  MAX_SRH_BYTES: 56,
  MAX_NEXTHOPS: 16,
  NEXTHOP_SLOTS: 128,
  MAX_UPLINKS: 8,
  MAX_ENCAPS: 1048576,
  MAX_NEXTHOP_GROUPS: 65536,
  PORT_SLOTS: 16384,
  CACHE_WAYS: 4,
  FLOW_CACHE_BITS: 12,
  ENCAP_CACHE_BITS: 10,
  PORT_CACHE_BITS: 8,
  SOURCE_CACHE_BITS: 10,
  NN_FLOW_CACHE_BITS: 11,
  GATEWAYS: 64,
  NETWORK_NODES: 1024,
  MAGLEV_SLOTS: 4093,
  NO_NETWORK_NODE: 65535,
  GW_FLOW_LINES: 32768,
  GW_FLOW_WAYS: 8,
  ZONE_SLOTS: 4096,
  POLICY_SLOTS: 16384,
  POLICY_NAME_BYTES: 64,
  HASH_SEEDS: 6,
  CT_WAYS: 8,
  TICK_SHIFT: 30,
  DHCP4_MESSAGE_BYTES: 552,
  DHCP4_OPTION_BYTES: 264,
  DHCP6_ADDRESSES: 8,
  DHCP6_IA_BYTES: 248,
  DHCP6_SERVER_BYTES: 14,
  DHCP6_OPTIONS_BYTES: 504,
  RA_FRAME_BYTES: 504,
  MAX_TRACE_SESSIONS: 4,
  SNAP_MAX: 9216,
  REASON_BITS: 64,
  EXTERNAL_ZONE: 16777216,
  GW_FIXED_SLOT_SHIFT: 16,
} as const;
