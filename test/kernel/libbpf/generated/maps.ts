// Generated from the BTF of bpf/test/maps.bpf.c by `make gen`: do not edit, change the C.

import { checkLength, type Codec, getBytes, putBytes } from 'libbpf-ts/codec';

/** struct endpoint_key, 20 bytes */
export interface EndpointKey {
  tenant: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const EndpointKey = {
  NAME: 'struct endpoint_key',
  SIZE: 20,
  OFFSETS: { tenant: 0, address: 4 },
  encode(into: Buffer, offset: number, value: EndpointKey): void {
    into.writeUInt32LE(value.tenant, offset);
    putBytes(into, offset + 4, value.address, 16, 'endpoint_key.address');
  },
  decode(from: Buffer, offset: number): EndpointKey {
    return {
      tenant: from.readUInt32LE(offset),
      address: getBytes(from, offset + 4, 16),
    };
  },
} as const satisfies Codec<EndpointKey> & { OFFSETS: Record<keyof EndpointKey, number> };

/** struct next_hop, 16 bytes */
export interface NextHop {
  /** 6 bytes */
  sourceMac: Uint8Array;
  /** 6 bytes */
  destMac: Uint8Array;
  ifindex: number;
}

export const NextHop = {
  NAME: 'struct next_hop',
  SIZE: 16,
  OFFSETS: { sourceMac: 0, destMac: 6, ifindex: 12 },
  encode(into: Buffer, offset: number, value: NextHop): void {
    putBytes(into, offset, value.sourceMac, 6, 'next_hop.source_mac');
    putBytes(into, offset + 6, value.destMac, 6, 'next_hop.dest_mac');
    into.writeUInt32LE(value.ifindex, offset + 12);
  },
  decode(from: Buffer, offset: number): NextHop {
    return {
      sourceMac: getBytes(from, offset, 6),
      destMac: getBytes(from, offset + 6, 6),
      ifindex: from.readUInt32LE(offset + 12),
    };
  },
} as const satisfies Codec<NextHop> & { OFFSETS: Record<keyof NextHop, number> };

/** enum event_kind */
export const EventKind = {
  EVENT_FRAME: 0,
  EVENT_TEST: 1,
  EVENT_LWT: 2,
} as const;

/** struct endpoint, 96 bytes */
export interface Endpoint {
  /** 16 bytes */
  sid: Uint8Array;
  /** 2 */
  paths: NextHop[];
  port: number;
  pathCount: number;
  local: boolean;
  /** EventKind */
  last: number;
  weight: number;
  flowLabel: number;
  packets: bigint;
  /** 16 bytes */
  gateway6: Uint8Array;
  level: number;
}

export const Endpoint = {
  NAME: 'struct endpoint',
  SIZE: 96,
  OFFSETS: {
    sid: 0,
    paths: 16,
    port: 48,
    pathCount: 50,
    local: 51,
    last: 52,
    weight: 56,
    flowLabel: 60,
    packets: 64,
    gateway6: 72,
    level: 88,
  },
  encode(into: Buffer, offset: number, value: Endpoint): void {
    putBytes(into, offset, value.sid, 16, 'endpoint.sid');
    checkLength(value.paths, 2, 'endpoint.paths');
    for (const [index, element] of value.paths.entries()) {
      NextHop.encode(into, offset + 16 + index * 16, element);
    }
    into.writeUInt16BE(value.port, offset + 48);
    into.writeUInt8(value.pathCount, offset + 50);
    into.writeUInt8(value.local ? 1 : 0, offset + 51);
    into.writeUInt32LE(value.last, offset + 52);
    into.writeInt32LE(value.weight, offset + 56);
    into.writeUInt32BE(value.flowLabel, offset + 60);
    into.writeBigUInt64LE(value.packets, offset + 64);
    putBytes(into, offset + 72, value.gateway6, 16, 'endpoint.gateway6');
    into.writeInt8(value.level, offset + 88);
    into.fill(0, offset + 89, offset + 96);
  },
  decode(from: Buffer, offset: number): Endpoint {
    return {
      sid: getBytes(from, offset, 16),
      paths: Array.from({ length: 2 }, (_, index) => NextHop.decode(from, offset + 16 + index * 16)),
      port: from.readUInt16BE(offset + 48),
      pathCount: from.readUInt8(offset + 50),
      local: from.readUInt8(offset + 51) !== 0,
      last: from.readUInt32LE(offset + 52),
      weight: from.readInt32LE(offset + 56),
      flowLabel: from.readUInt32BE(offset + 60),
      packets: from.readBigUInt64LE(offset + 64),
      gateway6: getBytes(from, offset + 72, 16),
      level: from.readInt8(offset + 88),
    };
  },
} as const satisfies Codec<Endpoint> & { OFFSETS: Record<keyof Endpoint, number> };

/** struct bpf_devmap_val, 8 bytes */
export interface BpfDevmapVal {
  ifindex: number;
  /** 4 bytes */
  bpfProg: Uint8Array;
}

export const BpfDevmapVal = {
  NAME: 'struct bpf_devmap_val',
  SIZE: 8,
  OFFSETS: { ifindex: 0, bpfProg: 4 },
  encode(into: Buffer, offset: number, value: BpfDevmapVal): void {
    into.writeUInt32LE(value.ifindex, offset);
    putBytes(into, offset + 4, value.bpfProg, 4, 'bpf_devmap_val.bpf_prog');
  },
  decode(from: Buffer, offset: number): BpfDevmapVal {
    return {
      ifindex: from.readUInt32LE(offset),
      bpfProg: getBytes(from, offset + 4, 4),
    };
  },
} as const satisfies Codec<BpfDevmapVal> & { OFFSETS: Record<keyof BpfDevmapVal, number> };

/** struct prefix_key, 24 bytes */
export interface PrefixKey {
  prefixLen: number;
  tenant: number;
  /** 16 bytes */
  address: Uint8Array;
}

export const PrefixKey = {
  NAME: 'struct prefix_key',
  SIZE: 24,
  OFFSETS: { prefixLen: 0, tenant: 4, address: 8 },
  encode(into: Buffer, offset: number, value: PrefixKey): void {
    into.writeUInt32LE(value.prefixLen, offset);
    into.writeUInt32BE(value.tenant, offset + 4);
    putBytes(into, offset + 8, value.address, 16, 'prefix_key.address');
  },
  decode(from: Buffer, offset: number): PrefixKey {
    return {
      prefixLen: from.readUInt32LE(offset),
      tenant: from.readUInt32BE(offset + 4),
      address: getBytes(from, offset + 8, 16),
    };
  },
} as const satisfies Codec<PrefixKey> & { OFFSETS: Record<keyof PrefixKey, number> };

/** struct counters, 16 bytes */
export interface Counters {
  packets: bigint;
  bytes: bigint;
}

export const Counters = {
  NAME: 'struct counters',
  SIZE: 16,
  OFFSETS: { packets: 0, bytes: 8 },
  encode(into: Buffer, offset: number, value: Counters): void {
    into.writeBigUInt64LE(value.packets, offset);
    into.writeBigUInt64LE(value.bytes, offset + 8);
  },
  decode(from: Buffer, offset: number): Counters {
    return {
      packets: from.readBigUInt64LE(offset),
      bytes: from.readBigUInt64LE(offset + 8),
    };
  },
} as const satisfies Codec<Counters> & { OFFSETS: Record<keyof Counters, number> };

/** struct event, 24 bytes */
export interface Event {
  /** EventKind */
  kind: number;
  bytes: number;
  ethertype: number;
  /** 6 bytes */
  source: Uint8Array;
  tenant: number;
  padding: number;
}

export const Event = {
  NAME: 'struct event',
  SIZE: 24,
  OFFSETS: { kind: 0, bytes: 4, ethertype: 8, source: 10, tenant: 16, padding: 20 },
  encode(into: Buffer, offset: number, value: Event): void {
    into.writeUInt32LE(value.kind, offset);
    into.writeUInt32LE(value.bytes, offset + 4);
    into.writeUInt16BE(value.ethertype, offset + 8);
    putBytes(into, offset + 10, value.source, 6, 'event.source');
    into.writeUInt32LE(value.tenant, offset + 16);
    into.writeUInt32LE(value.padding, offset + 20);
  },
  decode(from: Buffer, offset: number): Event {
    return {
      kind: from.readUInt32LE(offset),
      bytes: from.readUInt32LE(offset + 4),
      ethertype: from.readUInt16BE(offset + 8),
      source: getBytes(from, offset + 10, 6),
      tenant: from.readUInt32LE(offset + 16),
      padding: from.readUInt32LE(offset + 20),
    };
  },
} as const satisfies Codec<Event> & { OFFSETS: Record<keyof Event, number> };
