/**
 * A network node's connections (bpf/state/conntrack.h): one table for all zones. Programs alone write it and its counts; here it is read. A place
 * changes hands by its tag, and whoever changes the tag counts: what a process that ends leaves behind is never half a change.
 */
import { Limits } from '../ebpf/generated/layouts.js';
import * as layouts from '../ebpf/generated/steering.js';
import type { BpfMap } from 'libbpf-ts';

const { Connection, ConnectionBucket, CtSlotClass, CtDirection, FlowKey, CtPair, ZonePair } = layouts;

const WAYS = Limits.CT_WAYS;
const TAG_BYTES = 4;
const CLASS_MASK = 3;
/** Buckets that one system call reads: 0.9 MB. */
const BUCKETS_AT_ONCE = 512;

/** Places for connections of a node, of all zones together: 208 bytes each. A multiple of CT_WAYS; programs read it from the map. */
const CONNECTIONS = 1 << 18;
export const CONNECTION_BUCKETS = CONNECTIONS / WAYS;

/** Places of a table. */
export const placesOf = (connections: BpfMap): number => connections.info.maxEntries * WAYS;

/** One that is in the table, in the buffer that it was read into: valid until the next is asked for. */
export interface TableEntry {
  buffer: Buffer;
  /** Of its struct connection, bytes. */
  at: number;
  /** Of its bucket. */
  bucket: number;
  way: number;
}

/** Every connection, those whose time is over among them. What opens or closes meanwhile may be left out. */
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

/** When a connection had its last packet, of either direction. In ticks. */
export function lastSeen({ original, reply }: Pick<layouts.Connection, 'original' | 'reply'>): number {
  return later(original.seen, reply.seen);
}

/** The same of one that is in a buffer. */
export function lastSeenAt(buffer: Buffer, at: number): number {
  const { original, reply } = Connection.OFFSETS;
  const { seen } = CtDirection.OFFSETS;
  return later(buffer.readUInt32LE(at + original + seen), buffer.readUInt32LE(at + reply + seen));
}

function later(a: number, b: number): number {
  return ((b - a) | 0) > 0 ? b : a;
}

/**
 * Copies connections into the table of a trial, which is of the same size and seeds.
 *
 * @param wanted zone that opened it, and its key
 * @returns those that there are, as they were, each with the place of what asked for it
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

/** Connections of a pair of zones, by who opened them. */
export interface PairCount {
  from: number;
  to: number;
  halfOpen: number;
  established: number;
  /** New ones that found no place, since the pair has any. */
  refused: bigint;
}

export function pairCounts(pairs: BpfMap): PairCount[] {
  return Array.from(pairs.entries(), ([key, value]) => ({
    ...ZonePair.decode(key, 0),
    ...CtPair.decode(value, 0),
  }));
}

/**
 * Removes the counts of pairs that have no connections and a zone that is no more: no program opens a connection between them. Those that
 * still have some go with a later call: programs end such connections bit by bit.
 *
 * @param isZone whether the node decides for a zone
 */
export function removeUnusedPairs(pairs: BpfMap, isZone: (zone: number) => boolean): void {
  const key = Buffer.alloc(ZonePair.SIZE);
  for (const { from, to, halfOpen, established } of pairCounts(pairs)) {
    if (halfOpen + established > 0 || (isZone(from) && isZone(to))) continue;
    ZonePair.encode(key, 0, { from, to });
    pairs.delete(key);
  }
}
