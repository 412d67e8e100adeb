/**
 * A network node's connections (bpf/state/conntrack.h): one table for all zones, which only programs write, including its counts; user space reads
 * it. A slot changes owner by its tag, and the program that changes the tag also updates the counts: no interrupted process leaves a partial
 * change.
 */
import { Limits } from '../ebpf/generated/layouts.js';
import * as layouts from '../ebpf/generated/steering.js';
import type { BpfMap } from 'libbpf-ts';

const { Connection, ConnectionBucket, CtSlotClass, CtDirection, FlowKey, CtPair, CtTotals, ZonePair } = layouts;

const WAYS = Limits.CT_WAYS;
const TAG_BYTES = 4;
const CLASS_MASK = 3;
/** Buckets read by one system call: 0.9 MB. */
const BUCKETS_AT_ONCE = 512;

/** Slots for a node's connections, shared by all zones, with 208 bytes each. A multiple of CT_WAYS; programs read the number from the map. */
const CONNECTIONS = 1 << 18;
export const CONNECTION_BUCKETS = CONNECTIONS / WAYS;

/** Number of slots of a table. */
export const placesOf = (connections: BpfMap): number => connections.info.maxEntries * WAYS;

/** Number of half-open connections that were evicted since the table was created. */
export function evictedConnections({ sg_ct_totals: totals }: { sg_ct_totals: BpfMap }): number {
  const value = totals.lookup(Buffer.alloc(TAG_BYTES));
  return value === undefined ? 0 : Number(CtTotals.decode(value, 0).evicted);
}

/** A connection in the buffer into which it was read; valid until the next one is read. */
export interface TableEntry {
  buffer: Buffer;
  /** Offset of its struct connection in bytes. */
  at: number;
  /** Index of its bucket. */
  bucket: number;
  way: number;
}

/** Yields all connections, including expired ones. Connections that open or close meanwhile may be missing. */
export function* tableEntries(connections: BpfMap): Generator<TableEntry, void, undefined> {
  for (const { count, keys, values } of connections.readBatches({ entries: BUCKETS_AT_ONCE })) {
    for (let index = 0; index < count; index++) {
      const start = index * ConnectionBucket.SIZE;
      for (let way = 0; way < WAYS; way++) {
        const tag = values.readUInt32LE(start + ConnectionBucket.OFFSETS.tags + way * TAG_BYTES);
        if ((tag & CLASS_MASK) === CtSlotClass.CT_SLOT_FREE) continue;
        const at = start + ConnectionBucket.OFFSETS.entries + way * Connection.SIZE;
        yield { buffer: values, at, bucket: keys.readUInt32LE(index * TAG_BYTES), way };
      }
    }
  }
}

/** Time of a connection's last packet in either direction, in ticks. */
export function lastSeen({ original, reply }: Pick<layouts.Connection, 'original' | 'reply'>): number {
  return later(original.seen, reply.seen);
}

/** The same for an encoded connection in a buffer. */
export function lastSeenAt(buffer: Buffer, at: number): number {
  const { original, reply } = Connection.OFFSETS;
  const { seen } = CtDirection.OFFSETS;
  return later(buffer.readUInt32LE(at + original + seen), buffer.readUInt32LE(at + reply + seen));
}

function later(a: number, b: number): number {
  return ((b - a) | 0) > 0 ? b : a;
}

/**
 * Copies connections into the table of a test run, which has the same size and seeds.
 *
 * @param wanted connections to copy: the zone that opened it, and its key
 * @returns the existing ones, each with its index in `wanted`
 */
export function copyConnections(
  from: BpfMap,
  to: BpfMap,
  wanted: readonly { zone: number; key: Buffer }[],
): { index: number; connection: layouts.Connection }[] {
  const found: { index: number; connection: layouts.Connection }[] = [];
  const bucketKey = Buffer.alloc(TAG_BYTES);
  for (const { buffer, at, bucket, way } of tableEntries(from)) {
    const zone = buffer.readUInt32LE(at + Connection.OFFSETS.zone);
    const key = buffer.subarray(at, at + FlowKey.SIZE);
    const index = wanted.findIndex((one) => one.zone === zone && one.key.equals(key));
    if (index < 0) continue;
    found.push({ index, connection: Connection.decode(buffer, at) });
    bucketKey.writeUInt32LE(bucket);
    const copy = to.lookup(bucketKey) ?? Buffer.alloc(ConnectionBucket.SIZE);
    const start = at - ConnectionBucket.OFFSETS.entries - way * Connection.SIZE;
    buffer.copy(copy, ConnectionBucket.OFFSETS.entries + way * Connection.SIZE, at, at + Connection.SIZE);
    for (const field of ['tags', 'deadlines'] as const) {
      const offset = ConnectionBucket.OFFSETS[field] + way * TAG_BYTES;
      buffer.copy(copy, offset, start + offset, start + offset + TAG_BYTES);
    }
    to.update(bucketKey, copy);
  }
  return found;
}

/** Connections between a pair of zones, by the zone that opened them. */
export interface PairCount {
  from: number;
  to: number;
  halfOpen: number;
  established: number;
  /** Connections refused for lack of space, since the pair's first connection. */
  refused: bigint;
}

export function pairCounts(pairs: BpfMap): PairCount[] {
  return Array.from(pairs.entries(), ([key, value]) => ({
    ...ZonePair.decode(key, 0),
    ...CtPair.decode(value, 0),
  }));
}

/**
 * Removes the counts of pairs without connections of which a zone is no longer served: programs open no connections between them. Other such pairs
 * are removed by later calls, as programs end their connections gradually.
 *
 * @param isZone whether the node serves a zone
 */
export function removeUnusedPairs(pairs: BpfMap, isZone: (zone: number) => boolean): void {
  const key = Buffer.alloc(ZonePair.SIZE);
  for (const { from, to, halfOpen, established } of pairCounts(pairs)) {
    if (halfOpen + established > 0 || (isZone(from) && isZone(to))) continue;
    ZonePair.encode(key, 0, { from, to });
    pairs.delete(key);
  }
}
