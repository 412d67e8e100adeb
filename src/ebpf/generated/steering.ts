// Generated from the BTF of bpf/prog/nn_uplink_xdp.bpf.c by `make gen`: do not edit, change the C.

import { checkLength, type Codec, getBytes, putBytes } from 'libbpf-ts/codec';

/** struct nn_config, 64 bytes */
export interface NnConfig {
  policyGeneration: bigint;
  nextSet: number;
  self: number;
  unused: number;
  /** 6 */
  seeds: bigint[];
}

export const NnConfig = {
  NAME: 'struct nn_config',
  SIZE: 64,
  OFFSETS: { policyGeneration: 0, nextSet: 8, self: 12, unused: 14, seeds: 16 },
  encode(into: Buffer, offset: number, value: NnConfig): void {
    into.writeBigUInt64LE(value.policyGeneration, offset);
    into.writeUInt32LE(value.nextSet, offset + 8);
    into.writeUInt16LE(value.self, offset + 12);
    into.writeUInt16LE(value.unused, offset + 14);
    checkLength(value.seeds, 6, 'nn_config.seeds');
    for (const [index, element] of value.seeds.entries()) {
      into.writeBigUInt64LE(element, offset + 16 + index * 8);
    }
  },
  decode(from: Buffer, offset: number): NnConfig {
    return {
      policyGeneration: from.readBigUInt64LE(offset),
      nextSet: from.readUInt32LE(offset + 8),
      self: from.readUInt16LE(offset + 12),
      unused: from.readUInt16LE(offset + 14),
      seeds: Array.from({ length: 6 }, (_, index) => from.readBigUInt64LE(offset + 16 + index * 8)),
    };
  },
} as const satisfies Codec<NnConfig> & { OFFSETS: Record<keyof NnConfig, number> };

/** struct zone, 16 bytes */
export interface Zone {
  id: number;
  slot: number;
  gateway: number;
  mtu: number;
  flags: number;
}

export const Zone = {
  NAME: 'struct zone',
  SIZE: 16,
  OFFSETS: { id: 0, slot: 4, gateway: 8, mtu: 12, flags: 14 },
  encode(into: Buffer, offset: number, value: Zone): void {
    into.writeUInt32LE(value.id, offset);
    into.writeUInt32LE(value.slot, offset + 4);
    into.writeUInt32LE(value.gateway, offset + 8);
    into.writeUInt16LE(value.mtu, offset + 12);
    into.writeUInt16LE(value.flags, offset + 14);
  },
  decode(from: Buffer, offset: number): Zone {
    return {
      id: from.readUInt32LE(offset),
      slot: from.readUInt32LE(offset + 4),
      gateway: from.readUInt32LE(offset + 8),
      mtu: from.readUInt16LE(offset + 12),
      flags: from.readUInt16LE(offset + 14),
    };
  },
} as const satisfies Codec<Zone> & { OFFSETS: Record<keyof Zone, number> };

/** struct icmp_src, 16 bytes */
export interface IcmpSrc {
  /** 16 bytes */
  address: Uint8Array;
}

export const IcmpSrc = {
  NAME: 'struct icmp_src',
  SIZE: 16,
  OFFSETS: { address: 0 },
  encode(into: Buffer, offset: number, value: IcmpSrc): void {
    putBytes(into, offset, value.address, 16, 'icmp_src.address');
  },
  decode(from: Buffer, offset: number): IcmpSrc {
    return {
      address: getBytes(from, offset, 16),
    };
  },
} as const satisfies Codec<IcmpSrc> & { OFFSETS: Record<keyof IcmpSrc, number> };

/** struct external_src_key, 28 bytes */
export interface ExternalSrcKey {
  length: number;
  ifindex: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const ExternalSrcKey = {
  NAME: 'struct external_src_key',
  SIZE: 28,
  OFFSETS: { length: 0, ifindex: 4, family: 8, address: 12 },
  encode(into: Buffer, offset: number, value: ExternalSrcKey): void {
    into.writeUInt32LE(value.length, offset);
    into.writeUInt32LE(value.ifindex, offset + 4);
    into.writeUInt32LE(value.family, offset + 8);
    putBytes(into, offset + 12, value.address, 16, 'external_src_key.address');
  },
  decode(from: Buffer, offset: number): ExternalSrcKey {
    return {
      length: from.readUInt32LE(offset),
      ifindex: from.readUInt32LE(offset + 4),
      family: from.readUInt32LE(offset + 8),
      address: getBytes(from, offset + 12, 16),
    };
  },
} as const satisfies Codec<ExternalSrcKey> & { OFFSETS: Record<keyof ExternalSrcKey, number> };

/** struct zone_pair, 8 bytes */
export interface ZonePair {
  from: number;
  to: number;
}

export const ZonePair = {
  NAME: 'struct zone_pair',
  SIZE: 8,
  OFFSETS: { from: 0, to: 4 },
  encode(into: Buffer, offset: number, value: ZonePair): void {
    into.writeUInt32LE(value.from, offset);
    into.writeUInt32LE(value.to, offset + 4);
  },
  decode(from: Buffer, offset: number): ZonePair {
    return {
      from: from.readUInt32LE(offset),
      to: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<ZonePair> & { OFFSETS: Record<keyof ZonePair, number> };

/** struct policy_set, 8 bytes */
export interface PolicySet {
  id: number;
  tables: number;
}

export const PolicySet = {
  NAME: 'struct policy_set',
  SIZE: 8,
  OFFSETS: { id: 0, tables: 4 },
  encode(into: Buffer, offset: number, value: PolicySet): void {
    into.writeUInt32LE(value.id, offset);
    into.writeUInt32LE(value.tables, offset + 4);
  },
  decode(from: Buffer, offset: number): PolicySet {
    return {
      id: from.readUInt32LE(offset),
      tables: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<PolicySet> & { OFFSETS: Record<keyof PolicySet, number> };

/** struct class_key, 28 bytes */
export interface ClassKey {
  length: number;
  set: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const ClassKey = {
  NAME: 'struct class_key',
  SIZE: 28,
  OFFSETS: { length: 0, set: 4, family: 8, address: 12 },
  encode(into: Buffer, offset: number, value: ClassKey): void {
    into.writeUInt32LE(value.length, offset);
    into.writeUInt32LE(value.set, offset + 4);
    into.writeUInt32LE(value.family, offset + 8);
    putBytes(into, offset + 12, value.address, 16, 'class_key.address');
  },
  decode(from: Buffer, offset: number): ClassKey {
    return {
      length: from.readUInt32LE(offset),
      set: from.readUInt32LE(offset + 4),
      family: from.readUInt32LE(offset + 8),
      address: getBytes(from, offset + 12, 16),
    };
  },
} as const satisfies Codec<ClassKey> & { OFFSETS: Record<keyof ClassKey, number> };

/** struct policy_class, 8 bytes */
export interface PolicyClass {
  id: number;
  unused: number;
}

export const PolicyClass = {
  NAME: 'struct policy_class',
  SIZE: 8,
  OFFSETS: { id: 0, unused: 4 },
  encode(into: Buffer, offset: number, value: PolicyClass): void {
    into.writeUInt32LE(value.id, offset);
    into.writeUInt32LE(value.unused, offset + 4);
  },
  decode(from: Buffer, offset: number): PolicyClass {
    return {
      id: from.readUInt32LE(offset),
      unused: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<PolicyClass> & { OFFSETS: Record<keyof PolicyClass, number> };

/** struct rule_key, 16 bytes */
export interface RuleKey {
  set: number;
  source: number;
  dest: number;
  protocol: number;
}

export const RuleKey = {
  NAME: 'struct rule_key',
  SIZE: 16,
  OFFSETS: { set: 0, source: 4, dest: 8, protocol: 12 },
  encode(into: Buffer, offset: number, value: RuleKey): void {
    into.writeUInt32LE(value.set, offset);
    into.writeUInt32LE(value.source, offset + 4);
    into.writeUInt32LE(value.dest, offset + 8);
    into.writeUInt32LE(value.protocol, offset + 12);
  },
  decode(from: Buffer, offset: number): RuleKey {
    return {
      set: from.readUInt32LE(offset),
      source: from.readUInt32LE(offset + 4),
      dest: from.readUInt32LE(offset + 8),
      protocol: from.readUInt32LE(offset + 12),
    };
  },
} as const satisfies Codec<RuleKey> & { OFFSETS: Record<keyof RuleKey, number> };

/** struct policy_rule, 8 bytes */
export interface PolicyRule {
  first: number;
  count: number;
}

export const PolicyRule = {
  NAME: 'struct policy_rule',
  SIZE: 8,
  OFFSETS: { first: 0, count: 4 },
  encode(into: Buffer, offset: number, value: PolicyRule): void {
    into.writeUInt32LE(value.first, offset);
    into.writeUInt32LE(value.count, offset + 4);
  },
  decode(from: Buffer, offset: number): PolicyRule {
    return {
      first: from.readUInt32LE(offset),
      count: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<PolicyRule> & { OFFSETS: Record<keyof PolicyRule, number> };

/** struct policy_port, 16 bytes */
export interface PolicyPort {
  set: number;
  first: number;
  flags: number;
  policy: number;
  rank: number;
}

export const PolicyPort = {
  NAME: 'struct policy_port',
  SIZE: 16,
  OFFSETS: { set: 0, first: 4, flags: 6, policy: 8, rank: 12 },
  encode(into: Buffer, offset: number, value: PolicyPort): void {
    into.writeUInt32LE(value.set, offset);
    into.writeUInt16LE(value.first, offset + 4);
    into.writeUInt16LE(value.flags, offset + 6);
    into.writeUInt32LE(value.policy, offset + 8);
    into.writeUInt32LE(value.rank, offset + 12);
  },
  decode(from: Buffer, offset: number): PolicyPort {
    return {
      set: from.readUInt32LE(offset),
      first: from.readUInt16LE(offset + 4),
      flags: from.readUInt16LE(offset + 6),
      policy: from.readUInt32LE(offset + 8),
      rank: from.readUInt32LE(offset + 12),
    };
  },
} as const satisfies Codec<PolicyPort> & { OFFSETS: Record<keyof PolicyPort, number> };

/** struct policy, 64 bytes */
export interface Policy {
  /** 64 bytes */
  name: Uint8Array;
}

export const Policy = {
  NAME: 'struct policy',
  SIZE: 64,
  OFFSETS: { name: 0 },
  encode(into: Buffer, offset: number, value: Policy): void {
    putBytes(into, offset, value.name, 64, 'policy.name');
  },
  decode(from: Buffer, offset: number): Policy {
    return {
      name: getBytes(from, offset, 64),
    };
  },
} as const satisfies Codec<Policy> & { OFFSETS: Record<keyof Policy, number> };

/** struct policy_hit, 24 bytes */
export interface PolicyHit {
  connections: bigint;
  packets: bigint;
  bytes: bigint;
}

export const PolicyHit = {
  NAME: 'struct policy_hit',
  SIZE: 24,
  OFFSETS: { connections: 0, packets: 8, bytes: 16 },
  encode(into: Buffer, offset: number, value: PolicyHit): void {
    into.writeBigUInt64LE(value.connections, offset);
    into.writeBigUInt64LE(value.packets, offset + 8);
    into.writeBigUInt64LE(value.bytes, offset + 16);
  },
  decode(from: Buffer, offset: number): PolicyHit {
    return {
      connections: from.readBigUInt64LE(offset),
      packets: from.readBigUInt64LE(offset + 8),
      bytes: from.readBigUInt64LE(offset + 16),
    };
  },
} as const satisfies Codec<PolicyHit> & { OFFSETS: Record<keyof PolicyHit, number> };

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

/** struct ct_direction, 32 bytes */
export interface CtDirection {
  next: number;
  acked: number;
  limit: number;
  window: number;
  peerWindow: number;
  seen: number;
  scale: number;
  flags: number;
  /** 3 */
  unused: number[];
}

export const CtDirection = {
  NAME: 'struct ct_direction',
  SIZE: 32,
  OFFSETS: { next: 0, acked: 4, limit: 8, window: 12, peerWindow: 16, seen: 20, scale: 24, flags: 25, unused: 26 },
  encode(into: Buffer, offset: number, value: CtDirection): void {
    into.writeUInt32LE(value.next, offset);
    into.writeUInt32LE(value.acked, offset + 4);
    into.writeUInt32LE(value.limit, offset + 8);
    into.writeUInt32LE(value.window, offset + 12);
    into.writeUInt32LE(value.peerWindow, offset + 16);
    into.writeUInt32LE(value.seen, offset + 20);
    into.writeUInt8(value.scale, offset + 24);
    into.writeUInt8(value.flags, offset + 25);
    checkLength(value.unused, 3, 'ct_direction.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeUInt16LE(element, offset + 26 + index * 2);
    }
  },
  decode(from: Buffer, offset: number): CtDirection {
    return {
      next: from.readUInt32LE(offset),
      acked: from.readUInt32LE(offset + 4),
      limit: from.readUInt32LE(offset + 8),
      window: from.readUInt32LE(offset + 12),
      peerWindow: from.readUInt32LE(offset + 16),
      seen: from.readUInt32LE(offset + 20),
      scale: from.readUInt8(offset + 24),
      flags: from.readUInt8(offset + 25),
      unused: Array.from({ length: 3 }, (_, index) => from.readUInt16LE(offset + 26 + index * 2)),
    };
  },
} as const satisfies Codec<CtDirection> & { OFFSETS: Record<keyof CtDirection, number> };

/** struct connection, 192 bytes */
export interface Connection {
  key: FlowKey;
  zone: number;
  peer: number;
  policyGeneration: bigint;
  policy: number;
  state: number;
  flags: number;
  peerMtu: number;
  original: CtDirection;
  set: number;
  peerSlot: number;
  opened: number;
  tag: number;
  relayNode: number;
  /** 7 */
  unused: number[];
  reply: CtDirection;
  /** 8 */
  unused2: number[];
}

export const Connection = {
  NAME: 'struct connection',
  SIZE: 192,
  OFFSETS: {
    key: 0,
    zone: 40,
    peer: 44,
    policyGeneration: 48,
    policy: 56,
    state: 60,
    flags: 61,
    peerMtu: 62,
    original: 64,
    set: 96,
    peerSlot: 100,
    opened: 104,
    tag: 108,
    relayNode: 112,
    unused: 114,
    reply: 128,
    unused2: 160,
  },
  encode(into: Buffer, offset: number, value: Connection): void {
    FlowKey.encode(into, offset, value.key);
    into.writeUInt32LE(value.zone, offset + 40);
    into.writeUInt32LE(value.peer, offset + 44);
    into.writeBigUInt64LE(value.policyGeneration, offset + 48);
    into.writeUInt32LE(value.policy, offset + 56);
    into.writeUInt8(value.state, offset + 60);
    into.writeUInt8(value.flags, offset + 61);
    into.writeUInt16LE(value.peerMtu, offset + 62);
    CtDirection.encode(into, offset + 64, value.original);
    into.writeUInt32LE(value.set, offset + 96);
    into.writeUInt32LE(value.peerSlot, offset + 100);
    into.writeUInt32LE(value.opened, offset + 104);
    into.writeUInt32LE(value.tag, offset + 108);
    into.writeUInt16LE(value.relayNode, offset + 112);
    checkLength(value.unused, 7, 'connection.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeUInt16LE(element, offset + 114 + index * 2);
    }
    CtDirection.encode(into, offset + 128, value.reply);
    checkLength(value.unused2, 8, 'connection.unused2');
    for (const [index, element] of value.unused2.entries()) {
      into.writeUInt32LE(element, offset + 160 + index * 4);
    }
  },
  decode(from: Buffer, offset: number): Connection {
    return {
      key: FlowKey.decode(from, offset),
      zone: from.readUInt32LE(offset + 40),
      peer: from.readUInt32LE(offset + 44),
      policyGeneration: from.readBigUInt64LE(offset + 48),
      policy: from.readUInt32LE(offset + 56),
      state: from.readUInt8(offset + 60),
      flags: from.readUInt8(offset + 61),
      peerMtu: from.readUInt16LE(offset + 62),
      original: CtDirection.decode(from, offset + 64),
      set: from.readUInt32LE(offset + 96),
      peerSlot: from.readUInt32LE(offset + 100),
      opened: from.readUInt32LE(offset + 104),
      tag: from.readUInt32LE(offset + 108),
      relayNode: from.readUInt16LE(offset + 112),
      unused: Array.from({ length: 7 }, (_, index) => from.readUInt16LE(offset + 114 + index * 2)),
      reply: CtDirection.decode(from, offset + 128),
      unused2: Array.from({ length: 8 }, (_, index) => from.readUInt32LE(offset + 160 + index * 4)),
    };
  },
} as const satisfies Codec<Connection> & { OFFSETS: Record<keyof Connection, number> };

/** struct connection_bucket, 1664 bytes */
export interface ConnectionBucket {
  /** 8 */
  tags: number[];
  /** 8 */
  deadlines: number[];
  policyGeneration: bigint;
  /** 7 */
  unused: bigint[];
  /** 8 */
  entries: Connection[];
}

export const ConnectionBucket = {
  NAME: 'struct connection_bucket',
  SIZE: 1664,
  OFFSETS: { tags: 0, deadlines: 32, policyGeneration: 64, unused: 72, entries: 128 },
  encode(into: Buffer, offset: number, value: ConnectionBucket): void {
    checkLength(value.tags, 8, 'connection_bucket.tags');
    for (const [index, element] of value.tags.entries()) {
      into.writeUInt32LE(element, offset + index * 4);
    }
    checkLength(value.deadlines, 8, 'connection_bucket.deadlines');
    for (const [index, element] of value.deadlines.entries()) {
      into.writeUInt32LE(element, offset + 32 + index * 4);
    }
    into.writeBigUInt64LE(value.policyGeneration, offset + 64);
    checkLength(value.unused, 7, 'connection_bucket.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeBigUInt64LE(element, offset + 72 + index * 8);
    }
    checkLength(value.entries, 8, 'connection_bucket.entries');
    for (const [index, element] of value.entries.entries()) {
      Connection.encode(into, offset + 128 + index * 192, element);
    }
  },
  decode(from: Buffer, offset: number): ConnectionBucket {
    return {
      tags: Array.from({ length: 8 }, (_, index) => from.readUInt32LE(offset + index * 4)),
      deadlines: Array.from({ length: 8 }, (_, index) => from.readUInt32LE(offset + 32 + index * 4)),
      policyGeneration: from.readBigUInt64LE(offset + 64),
      unused: Array.from({ length: 7 }, (_, index) => from.readBigUInt64LE(offset + 72 + index * 8)),
      entries: Array.from({ length: 8 }, (_, index) => Connection.decode(from, offset + 128 + index * 192)),
    };
  },
} as const satisfies Codec<ConnectionBucket> & { OFFSETS: Record<keyof ConnectionBucket, number> };

/** struct ct_pair, 16 bytes */
export interface CtPair {
  halfOpen: number;
  established: number;
  refused: bigint;
}

export const CtPair = {
  NAME: 'struct ct_pair',
  SIZE: 16,
  OFFSETS: { halfOpen: 0, established: 4, refused: 8 },
  encode(into: Buffer, offset: number, value: CtPair): void {
    into.writeUInt32LE(value.halfOpen, offset);
    into.writeUInt32LE(value.established, offset + 4);
    into.writeBigUInt64LE(value.refused, offset + 8);
  },
  decode(from: Buffer, offset: number): CtPair {
    return {
      halfOpen: from.readUInt32LE(offset),
      established: from.readUInt32LE(offset + 4),
      refused: from.readBigUInt64LE(offset + 8),
    };
  },
} as const satisfies Codec<CtPair> & { OFFSETS: Record<keyof CtPair, number> };

/** struct ct_totals, 128 bytes */
export interface CtTotals {
  halfOpen: number;
  established: number;
  /** 14 */
  unused: number[];
  hand: number;
  unused2: number;
  evicted: bigint;
  /** 12 */
  unused3: number[];
}

export const CtTotals = {
  NAME: 'struct ct_totals',
  SIZE: 128,
  OFFSETS: { halfOpen: 0, established: 4, unused: 8, hand: 64, unused2: 68, evicted: 72, unused3: 80 },
  encode(into: Buffer, offset: number, value: CtTotals): void {
    into.writeUInt32LE(value.halfOpen, offset);
    into.writeUInt32LE(value.established, offset + 4);
    checkLength(value.unused, 14, 'ct_totals.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeUInt32LE(element, offset + 8 + index * 4);
    }
    into.writeUInt32LE(value.hand, offset + 64);
    into.writeUInt32LE(value.unused2, offset + 68);
    into.writeBigUInt64LE(value.evicted, offset + 72);
    checkLength(value.unused3, 12, 'ct_totals.unused3');
    for (const [index, element] of value.unused3.entries()) {
      into.writeUInt32LE(element, offset + 80 + index * 4);
    }
  },
  decode(from: Buffer, offset: number): CtTotals {
    return {
      halfOpen: from.readUInt32LE(offset),
      established: from.readUInt32LE(offset + 4),
      unused: Array.from({ length: 14 }, (_, index) => from.readUInt32LE(offset + 8 + index * 4)),
      hand: from.readUInt32LE(offset + 64),
      unused2: from.readUInt32LE(offset + 68),
      evicted: from.readBigUInt64LE(offset + 72),
      unused3: Array.from({ length: 12 }, (_, index) => from.readUInt32LE(offset + 80 + index * 4)),
    };
  },
} as const satisfies Codec<CtTotals> & { OFFSETS: Record<keyof CtTotals, number> };

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

/** struct nn_flow_entry, 192 bytes */
export interface NnFlowEntry {
  generation: bigint;
  policyGeneration: bigint;
  /** 16 bytes */
  sid: Uint8Array;
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  dest: Uint8Array;
  /** 16 bytes */
  first: Uint8Array;
  ports: number;
  seen: number;
  hash: number;
  fromSlot: number;
  peerSlot: number;
  policy: number;
  ifindex: number;
  mtu: number;
  family: number;
  protocol: number;
  /** 6 bytes */
  destMac: Uint8Array;
  /** 6 bytes */
  sourceMac: Uint8Array;
  place: number;
  tcp: CtDirection;
  written: number;
  writtenAcked: number;
  peer: number;
  /** 5 */
  unused: number[];
}

export const NnFlowEntry = {
  NAME: 'struct nn_flow_entry',
  SIZE: 192,
  OFFSETS: {
    generation: 0,
    policyGeneration: 8,
    sid: 16,
    source: 32,
    dest: 48,
    first: 64,
    ports: 80,
    seen: 84,
    hash: 88,
    fromSlot: 92,
    peerSlot: 96,
    policy: 100,
    ifindex: 104,
    mtu: 108,
    family: 110,
    protocol: 111,
    destMac: 112,
    sourceMac: 118,
    place: 124,
    tcp: 128,
    written: 160,
    writtenAcked: 164,
    peer: 168,
    unused: 172,
  },
  encode(into: Buffer, offset: number, value: NnFlowEntry): void {
    into.writeBigUInt64LE(value.generation, offset);
    into.writeBigUInt64LE(value.policyGeneration, offset + 8);
    putBytes(into, offset + 16, value.sid, 16, 'nn_flow_entry.sid');
    putBytes(into, offset + 32, value.source, 16, 'nn_flow_entry.source');
    putBytes(into, offset + 48, value.dest, 16, 'nn_flow_entry.dest');
    putBytes(into, offset + 64, value.first, 16, 'nn_flow_entry.first');
    into.writeUInt32LE(value.ports, offset + 80);
    into.writeUInt32LE(value.seen, offset + 84);
    into.writeUInt32LE(value.hash, offset + 88);
    into.writeUInt32LE(value.fromSlot, offset + 92);
    into.writeUInt32LE(value.peerSlot, offset + 96);
    into.writeUInt32LE(value.policy, offset + 100);
    into.writeUInt32LE(value.ifindex, offset + 104);
    into.writeUInt16LE(value.mtu, offset + 108);
    into.writeUInt8(value.family, offset + 110);
    into.writeUInt8(value.protocol, offset + 111);
    putBytes(into, offset + 112, value.destMac, 6, 'nn_flow_entry.dest_mac');
    putBytes(into, offset + 118, value.sourceMac, 6, 'nn_flow_entry.source_mac');
    into.writeUInt32LE(value.place, offset + 124);
    CtDirection.encode(into, offset + 128, value.tcp);
    into.writeUInt32LE(value.written, offset + 160);
    into.writeUInt32LE(value.writtenAcked, offset + 164);
    into.writeUInt32LE(value.peer, offset + 168);
    checkLength(value.unused, 5, 'nn_flow_entry.unused');
    for (const [index, element] of value.unused.entries()) {
      into.writeUInt32LE(element, offset + 172 + index * 4);
    }
  },
  decode(from: Buffer, offset: number): NnFlowEntry {
    return {
      generation: from.readBigUInt64LE(offset),
      policyGeneration: from.readBigUInt64LE(offset + 8),
      sid: getBytes(from, offset + 16, 16),
      source: getBytes(from, offset + 32, 16),
      dest: getBytes(from, offset + 48, 16),
      first: getBytes(from, offset + 64, 16),
      ports: from.readUInt32LE(offset + 80),
      seen: from.readUInt32LE(offset + 84),
      hash: from.readUInt32LE(offset + 88),
      fromSlot: from.readUInt32LE(offset + 92),
      peerSlot: from.readUInt32LE(offset + 96),
      policy: from.readUInt32LE(offset + 100),
      ifindex: from.readUInt32LE(offset + 104),
      mtu: from.readUInt16LE(offset + 108),
      family: from.readUInt8(offset + 110),
      protocol: from.readUInt8(offset + 111),
      destMac: getBytes(from, offset + 112, 6),
      sourceMac: getBytes(from, offset + 118, 6),
      place: from.readUInt32LE(offset + 124),
      tcp: CtDirection.decode(from, offset + 128),
      written: from.readUInt32LE(offset + 160),
      writtenAcked: from.readUInt32LE(offset + 164),
      peer: from.readUInt32LE(offset + 168),
      unused: Array.from({ length: 5 }, (_, index) => from.readUInt32LE(offset + 172 + index * 4)),
    };
  },
} as const satisfies Codec<NnFlowEntry> & { OFFSETS: Record<keyof NnFlowEntry, number> };

/** struct nn_flow_set, 768 bytes */
export interface NnFlowSet {
  /** 4 */
  flows: NnFlowEntry[];
}

export const NnFlowSet = {
  NAME: 'struct nn_flow_set',
  SIZE: 768,
  OFFSETS: { flows: 0 },
  encode(into: Buffer, offset: number, value: NnFlowSet): void {
    checkLength(value.flows, 4, 'nn_flow_set.flows');
    for (const [index, element] of value.flows.entries()) {
      NnFlowEntry.encode(into, offset + index * 192, element);
    }
  },
  decode(from: Buffer, offset: number): NnFlowSet {
    return {
      flows: Array.from({ length: 4 }, (_, index) => NnFlowEntry.decode(from, offset + index * 192)),
    };
  },
} as const satisfies Codec<NnFlowSet> & { OFFSETS: Record<keyof NnFlowSet, number> };

/** struct policy_log_ratelimit, 24 bytes */
export interface PolicyLogRatelimit {
  second: bigint;
  logged: number;
  suppressed: number;
  allSuppressed: bigint;
}

export const PolicyLogRatelimit = {
  NAME: 'struct policy_log_ratelimit',
  SIZE: 24,
  OFFSETS: { second: 0, logged: 8, suppressed: 12, allSuppressed: 16 },
  encode(into: Buffer, offset: number, value: PolicyLogRatelimit): void {
    into.writeBigUInt64LE(value.second, offset);
    into.writeUInt32LE(value.logged, offset + 8);
    into.writeUInt32LE(value.suppressed, offset + 12);
    into.writeBigUInt64LE(value.allSuppressed, offset + 16);
  },
  decode(from: Buffer, offset: number): PolicyLogRatelimit {
    return {
      second: from.readBigUInt64LE(offset),
      logged: from.readUInt32LE(offset + 8),
      suppressed: from.readUInt32LE(offset + 12),
      allSuppressed: from.readBigUInt64LE(offset + 16),
    };
  },
} as const satisfies Codec<PolicyLogRatelimit> & { OFFSETS: Record<keyof PolicyLogRatelimit, number> };

/** struct policy_log_event, 72 bytes */
export interface PolicyLogEvent {
  time: bigint;
  flow: FlowKey;
  from: number;
  to: number;
  policy: number;
  reason: number;
  length: number;
  suppressed: number;
}

export const PolicyLogEvent = {
  NAME: 'struct policy_log_event',
  SIZE: 72,
  OFFSETS: { time: 0, flow: 8, from: 48, to: 52, policy: 56, reason: 60, length: 64, suppressed: 68 },
  encode(into: Buffer, offset: number, value: PolicyLogEvent): void {
    into.writeBigUInt64LE(value.time, offset);
    FlowKey.encode(into, offset + 8, value.flow);
    into.writeUInt32LE(value.from, offset + 48);
    into.writeUInt32LE(value.to, offset + 52);
    into.writeUInt32LE(value.policy, offset + 56);
    into.writeUInt32LE(value.reason, offset + 60);
    into.writeUInt32LE(value.length, offset + 64);
    into.writeUInt32LE(value.suppressed, offset + 68);
  },
  decode(from: Buffer, offset: number): PolicyLogEvent {
    return {
      time: from.readBigUInt64LE(offset),
      flow: FlowKey.decode(from, offset + 8),
      from: from.readUInt32LE(offset + 48),
      to: from.readUInt32LE(offset + 52),
      policy: from.readUInt32LE(offset + 56),
      reason: from.readUInt32LE(offset + 60),
      length: from.readUInt32LE(offset + 64),
      suppressed: from.readUInt32LE(offset + 68),
    };
  },
} as const satisfies Codec<PolicyLogEvent> & { OFFSETS: Record<keyof PolicyLogEvent, number> };

/** enum policy_table */
export const PolicyTable = {
  POLICY_ANY: 1,
  POLICY_SOURCE: 2,
  POLICY_DESTINATION: 4,
  POLICY_BOTH: 8,
} as const;

/** enum policy_flags */
export const PolicyFlags = {
  POLICY_ALLOW: 1,
  POLICY_LOG: 2,
  POLICY_NONE: 4,
} as const;

/** enum zone_flags */
export const ZoneFlags = {
  ZONE_OUTSIDE: 1,
} as const;

/** enum flow_type */
export const FlowType = {
  FLOW_CONNECTION: 0,
  FLOW_FRAGMENTS: 1,
} as const;

/** enum gw_flow_timeout */
export const GwFlowTimeout = {
  GW_FLOW_SECONDS: 180,
} as const;

/** enum ct_state */
export const CtState = {
  CT_SYN_SENT: 1,
  CT_SYN_RECV: 2,
  CT_ESTABLISHED: 3,
  CT_CLOSING: 4,
  CT_CLOSED: 5,
  CT_RELAYED: 6,
} as const;

/** enum ct_flags */
export const CtFlags = {
  CT_FIN_ORIGINAL: 1,
  CT_FIN_REPLY: 2,
} as const;

/** enum ct_slot_class */
export const CtSlotClass = {
  CT_SLOT_FREE: 0,
  CT_SLOT_HALF_OPEN: 1,
  CT_SLOT_ESTABLISHED: 2,
  CT_SLOT_CLOSED: 3,
} as const;

/** enum ct_direction_flags */
export const CtDirectionFlags = {
  CT_SEQUENCE: 1,
  CT_ACKED: 2,
} as const;

/** enum ct_timeout */
export const CtTimeout = {
  TCP_HANDSHAKE_SECONDS: 60,
  TCP_ESTABLISHED_SECONDS: 432000,
  TCP_CLOSING_SECONDS: 120,
  UDP_SECONDS: 180,
  ICMP_SECONDS: 30,
  OTHER_SECONDS: 600,
  FRAGMENTS_SECONDS: 60,
} as const;
