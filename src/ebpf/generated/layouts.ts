// Generated from the BTF of bpf/port.bpf.c by `make gen`: do not edit, change the C.

import { checkLength, type Codec, getBytes, putBytes } from '../../libbpf/codec.js';

/** struct port, 44 bytes */
export interface Port {
  tenant: number;
  slot: number;
  /** 6 bytes */
  vmMac: Uint8Array;
  mtu: number;
  /** 6 bytes */
  ownMac: Uint8Array;
  dscp: number;
  flags: number;
  /** 16 bytes */
  gateway6: Uint8Array;
  gateway4: number;
}

export const Port = {
  NAME: 'struct port',
  SIZE: 44,
  OFFSETS: { tenant: 0, slot: 4, vmMac: 8, mtu: 14, ownMac: 16, dscp: 22, flags: 23, gateway6: 24, gateway4: 40 },
  encode(into: Buffer, offset: number, value: Port): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.slot, offset + 4);
    putBytes(into, offset + 8, value.vmMac, 6, 'port.vm_mac');
    into.writeUInt16LE(value.mtu, offset + 14);
    putBytes(into, offset + 16, value.ownMac, 6, 'port.own_mac');
    into.writeUInt8(value.dscp, offset + 22);
    into.writeUInt8(value.flags, offset + 23);
    putBytes(into, offset + 24, value.gateway6, 16, 'port.gateway6');
    into.writeUInt32BE(value.gateway4, offset + 40);
  },
  decode(from: Buffer, offset: number): Port {
    return {
      tenant: from.readUInt32LE(offset),
      slot: from.readUInt32LE(offset + 4),
      vmMac: getBytes(from, offset + 8, 6),
      mtu: from.readUInt16LE(offset + 14),
      ownMac: getBytes(from, offset + 16, 6),
      dscp: from.readUInt8(offset + 22),
      flags: from.readUInt8(offset + 23),
      gateway6: getBytes(from, offset + 24, 16),
      gateway4: from.readUInt32BE(offset + 40),
    };
  },
} as const satisfies Codec<Port> & { OFFSETS: Record<keyof Port, number> };

/** struct node, 48 bytes */
export interface Node {
  /** 16 bytes */
  source: Uint8Array;
  /** 16 bytes */
  sidBlock: Uint8Array;
  /** 16 bytes */
  sidMask: Uint8Array;
}

export const Node = {
  NAME: 'struct node',
  SIZE: 48,
  OFFSETS: { source: 0, sidBlock: 16, sidMask: 32 },
  encode(into: Buffer, offset: number, value: Node): void {
    putBytes(into, offset, value.source, 16, 'node.source');
    putBytes(into, offset + 16, value.sidBlock, 16, 'node.sid_block');
    putBytes(into, offset + 32, value.sidMask, 16, 'node.sid_mask');
  },
  decode(from: Buffer, offset: number): Node {
    return {
      source: getBytes(from, offset, 16),
      sidBlock: getBytes(from, offset + 16, 16),
      sidMask: getBytes(from, offset + 32, 16),
    };
  },
} as const satisfies Codec<Node> & { OFFSETS: Record<keyof Node, number> };

/** struct encap, 80 bytes */
export interface Encap {
  /** 16 bytes */
  first: Uint8Array;
  underlay: number;
  srhBytes: number;
  lastEntry: number;
  /** 56 bytes */
  srh: Uint8Array;
}

export const Encap = {
  NAME: 'struct encap',
  SIZE: 80,
  OFFSETS: { first: 0, underlay: 16, srhBytes: 20, lastEntry: 22, srh: 24 },
  encode(into: Buffer, offset: number, value: Encap): void {
    putBytes(into, offset, value.first, 16, 'encap.first');
    into.writeUInt32LE(value.underlay, offset + 16);
    into.writeUInt16LE(value.srhBytes, offset + 20);
    into.writeUInt16LE(value.lastEntry, offset + 22);
    putBytes(into, offset + 24, value.srh, 56, 'encap.srh');
  },
  decode(from: Buffer, offset: number): Encap {
    return {
      first: getBytes(from, offset, 16),
      underlay: from.readUInt32LE(offset + 16),
      srhBytes: from.readUInt16LE(offset + 20),
      lastEntry: from.readUInt16LE(offset + 22),
      srh: getBytes(from, offset + 24, 56),
    };
  },
} as const satisfies Codec<Encap> & { OFFSETS: Record<keyof Encap, number> };

/** struct source_key, 24 bytes */
export interface SourceKey {
  ifindex: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const SourceKey = {
  NAME: 'struct source_key',
  SIZE: 24,
  OFFSETS: { ifindex: 0, family: 4, address: 8 },
  encode(into: Buffer, offset: number, value: SourceKey): void {
    into.writeUInt32LE(value.ifindex, offset);
    into.writeUInt32LE(value.family, offset + 4);
    putBytes(into, offset + 8, value.address, 16, 'source_key.address');
  },
  decode(from: Buffer, offset: number): SourceKey {
    return {
      ifindex: from.readUInt32LE(offset),
      family: from.readUInt32LE(offset + 4),
      address: getBytes(from, offset + 8, 16),
    };
  },
} as const satisfies Codec<SourceKey> & { OFFSETS: Record<keyof SourceKey, number> };

/** struct permit, 8 bytes */
export interface Permit {
  unused: bigint;
}

export const Permit = {
  NAME: 'struct permit',
  SIZE: 8,
  OFFSETS: { unused: 0 },
  encode(into: Buffer, offset: number, value: Permit): void {
    into.writeBigUInt64LE(value.unused, offset);
  },
  decode(from: Buffer, offset: number): Permit {
    return {
      unused: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<Permit> & { OFFSETS: Record<keyof Permit, number> };

/** struct source_prefix_key, 28 bytes */
export interface SourcePrefixKey {
  length: number;
  ifindex: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const SourcePrefixKey = {
  NAME: 'struct source_prefix_key',
  SIZE: 28,
  OFFSETS: { length: 0, ifindex: 4, family: 8, address: 12 },
  encode(into: Buffer, offset: number, value: SourcePrefixKey): void {
    into.writeUInt32LE(value.length, offset);
    into.writeUInt32LE(value.ifindex, offset + 4);
    into.writeUInt32LE(value.family, offset + 8);
    putBytes(into, offset + 12, value.address, 16, 'source_prefix_key.address');
  },
  decode(from: Buffer, offset: number): SourcePrefixKey {
    return {
      length: from.readUInt32LE(offset),
      ifindex: from.readUInt32LE(offset + 4),
      family: from.readUInt32LE(offset + 8),
      address: getBytes(from, offset + 12, 16),
    };
  },
} as const satisfies Codec<SourcePrefixKey> & { OFFSETS: Record<keyof SourcePrefixKey, number> };

/** struct member_key, 24 bytes */
export interface MemberKey {
  tenant: number;
  family: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const MemberKey = {
  NAME: 'struct member_key',
  SIZE: 24,
  OFFSETS: { tenant: 0, family: 4, address: 8 },
  encode(into: Buffer, offset: number, value: MemberKey): void {
    into.writeUInt32LE(value.tenant, offset);
    into.writeUInt32LE(value.family, offset + 4);
    putBytes(into, offset + 8, value.address, 16, 'member_key.address');
  },
  decode(from: Buffer, offset: number): MemberKey {
    return {
      tenant: from.readUInt32LE(offset),
      family: from.readUInt32LE(offset + 4),
      address: getBytes(from, offset + 8, 16),
    };
  },
} as const satisfies Codec<MemberKey> & { OFFSETS: Record<keyof MemberKey, number> };

/** struct target, 8 bytes */
export interface Target {
  kind: number;
  id: number;
}

export const Target = {
  NAME: 'struct target',
  SIZE: 8,
  OFFSETS: { kind: 0, id: 4 },
  encode(into: Buffer, offset: number, value: Target): void {
    into.writeUInt32LE(value.kind, offset);
    into.writeUInt32LE(value.id, offset + 4);
  },
  decode(from: Buffer, offset: number): Target {
    return {
      kind: from.readUInt32LE(offset),
      id: from.readUInt32LE(offset + 4),
    };
  },
} as const satisfies Codec<Target> & { OFFSETS: Record<keyof Target, number> };

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

/** struct hop, 20 bytes */
export interface Hop {
  ifindex: number;
  mtu: number;
  /** 6 bytes */
  destMac: Uint8Array;
  /** 6 bytes */
  sourceMac: Uint8Array;
  unused: number;
}

export const Hop = {
  NAME: 'struct hop',
  SIZE: 20,
  OFFSETS: { ifindex: 0, mtu: 4, destMac: 6, sourceMac: 12, unused: 18 },
  encode(into: Buffer, offset: number, value: Hop): void {
    into.writeUInt32LE(value.ifindex, offset);
    into.writeUInt16LE(value.mtu, offset + 4);
    putBytes(into, offset + 6, value.destMac, 6, 'hop.dest_mac');
    putBytes(into, offset + 12, value.sourceMac, 6, 'hop.source_mac');
    into.writeUInt16LE(value.unused, offset + 18);
  },
  decode(from: Buffer, offset: number): Hop {
    return {
      ifindex: from.readUInt32LE(offset),
      mtu: from.readUInt16LE(offset + 4),
      destMac: getBytes(from, offset + 6, 6),
      sourceMac: getBytes(from, offset + 12, 6),
      unused: from.readUInt16LE(offset + 18),
    };
  },
} as const satisfies Codec<Hop> & { OFFSETS: Record<keyof Hop, number> };

/** struct underlay, 104 bytes */
export interface Underlay {
  count: number;
  length: number;
  /** 16 bytes */
  dest: Uint8Array;
  /** 4 */
  hops: Hop[];
}

export const Underlay = {
  NAME: 'struct underlay',
  SIZE: 104,
  OFFSETS: { count: 0, length: 4, dest: 8, hops: 24 },
  encode(into: Buffer, offset: number, value: Underlay): void {
    into.writeUInt32LE(value.count, offset);
    into.writeUInt32LE(value.length, offset + 4);
    putBytes(into, offset + 8, value.dest, 16, 'underlay.dest');
    checkLength(value.hops, 4, 'underlay.hops');
    for (const [index, element] of value.hops.entries()) {
      Hop.encode(into, offset + 24 + index * 20, element);
    }
  },
  decode(from: Buffer, offset: number): Underlay {
    return {
      count: from.readUInt32LE(offset),
      length: from.readUInt32LE(offset + 4),
      dest: getBytes(from, offset + 8, 16),
      hops: Array.from({ length: 4 }, (_, index) => Hop.decode(from, offset + 24 + index * 20)),
    };
  },
} as const satisfies Codec<Underlay> & { OFFSETS: Record<keyof Underlay, number> };

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

/** struct traffic, 32 bytes */
export interface Traffic {
  txPackets: bigint;
  txBytes: bigint;
  rxPackets: bigint;
  rxBytes: bigint;
}

export const Traffic = {
  NAME: 'struct traffic',
  SIZE: 32,
  OFFSETS: { txPackets: 0, txBytes: 8, rxPackets: 16, rxBytes: 24 },
  encode(into: Buffer, offset: number, value: Traffic): void {
    into.writeBigUInt64LE(value.txPackets, offset);
    into.writeBigUInt64LE(value.txBytes, offset + 8);
    into.writeBigUInt64LE(value.rxPackets, offset + 16);
    into.writeBigUInt64LE(value.rxBytes, offset + 24);
  },
  decode(from: Buffer, offset: number): Traffic {
    return {
      txPackets: from.readBigUInt64LE(offset),
      txBytes: from.readBigUInt64LE(offset + 8),
      rxPackets: from.readBigUInt64LE(offset + 16),
      rxBytes: from.readBigUInt64LE(offset + 24),
    };
  },
} as const satisfies Codec<Traffic> & { OFFSETS: Record<keyof Traffic, number> };

/** struct count, 8 bytes */
export interface Count {
  packets: bigint;
}

export const Count = {
  NAME: 'struct count',
  SIZE: 8,
  OFFSETS: { packets: 0 },
  encode(into: Buffer, offset: number, value: Count): void {
    into.writeBigUInt64LE(value.packets, offset);
  },
  decode(from: Buffer, offset: number): Count {
    return {
      packets: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<Count> & { OFFSETS: Record<keyof Count, number> };

/** struct reply_space, 608 bytes */
export interface ReplySpace {
  /** 32 */
  part: bigint[];
  /** 32 */
  frame: bigint[];
  /** 12 */
  quote: bigint[];
}

export const ReplySpace = {
  NAME: 'struct reply_space',
  SIZE: 608,
  OFFSETS: { part: 0, frame: 256, quote: 512 },
  encode(into: Buffer, offset: number, value: ReplySpace): void {
    checkLength(value.part, 32, 'reply_space.part');
    for (const [index, element] of value.part.entries()) {
      into.writeBigUInt64LE(element, offset + index * 8);
    }
    checkLength(value.frame, 32, 'reply_space.frame');
    for (const [index, element] of value.frame.entries()) {
      into.writeBigUInt64LE(element, offset + 256 + index * 8);
    }
    checkLength(value.quote, 12, 'reply_space.quote');
    for (const [index, element] of value.quote.entries()) {
      into.writeBigUInt64LE(element, offset + 512 + index * 8);
    }
  },
  decode(from: Buffer, offset: number): ReplySpace {
    return {
      part: Array.from({ length: 32 }, (_, index) => from.readBigUInt64LE(offset + index * 8)),
      frame: Array.from({ length: 32 }, (_, index) => from.readBigUInt64LE(offset + 256 + index * 8)),
      quote: Array.from({ length: 12 }, (_, index) => from.readBigUInt64LE(offset + 512 + index * 8)),
    };
  },
} as const satisfies Codec<ReplySpace> & { OFFSETS: Record<keyof ReplySpace, number> };

/** struct limit, 8 bytes */
export interface Limit {
  fullAtNs: bigint;
}

export const Limit = {
  NAME: 'struct limit',
  SIZE: 8,
  OFFSETS: { fullAtNs: 0 },
  encode(into: Buffer, offset: number, value: Limit): void {
    into.writeBigUInt64LE(value.fullAtNs, offset);
  },
  decode(from: Buffer, offset: number): Limit {
    return {
      fullAtNs: from.readBigUInt64LE(offset),
    };
  },
} as const satisfies Codec<Limit> & { OFFSETS: Record<keyof Limit, number> };

/** enum reason */
export const Reason = {
  REASON_FORWARDED: 0,
  ANSWER_ARP: 1,
  ANSWER_NEIGHBOUR: 2,
  ANSWER_ECHO: 3,
  ANSWER_HOP_LIMIT: 4,
  ANSWER_TOO_BIG: 5,
  PUNT_NOT_IP: 6,
  PUNT_NOT_ROUTED: 7,
  PUNT_NO_MEMBER: 8,
  PUNT_NOT_LOCAL: 9,
  PUNT_IP_OPTIONS: 10,
  PUNT_HOP_LIMIT: 11,
  PUNT_TOO_BIG: 12,
  PUNT_UNRESOLVED: 13,
  PUNT_SEGMENTS: 14,
  PUNT_NO_ROOM: 15,
  PUNT_NO_OFFLOAD: 16,
  DROP_MALFORMED: 17,
  DROP_SOURCE_MAC: 18,
  DROP_SOURCE_ADDRESS: 19,
  DROP_NEIGHBOUR_SENDER: 20,
  DROP_SID_BLOCK: 21,
  DROP_ROUTING_HEADER: 22,
  DROP_BEHAVIOUR: 23,
  DROP_NO_ROOM: 24,
  DROP_HOP_LIMIT: 25,
  DROP_TOO_BIG: 26,
  DROP_ERROR_RATE: 27,
  DROP_ECN: 28,
  REASON_COUNT: 29,
} as const;

/** enum target_kind */
export const TargetKind = {
  TARGET_LOCAL: 1,
  TARGET_REMOTE: 2,
  TARGET_GATEWAY: 3,
} as const;

/** enum port_flags */
export const PortFlags = {
  PORT_TUNNEL_SEGMENTATION: 1,
  PORT_FRAMES: 2,
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
