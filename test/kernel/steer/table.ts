/** A table of connections, altered as no program does: emptied, made older, counted again. */
import * as steering from '../../../src/ebpf/generated/steering.js';
import { pairCounts, tableEntries } from '../../../src/gateway/connection-table.js';
import { u32 } from '../libbpf/harness.js';
import type { BpfMap } from 'libbpf-ts';

const { Connection, ConnectionBucket, CtTotals, CtSlotClass, CtDirection } = steering;
const TAG_BYTES = 4;

export type ConnectionMaps = Readonly<Record<'sg_ct' | 'sg_ct_totals' | 'sg_ct_pairs', BpfMap>>;

/** As new. */
export function emptyTable({ sg_ct: connections, sg_ct_totals: totals, sg_ct_pairs: pairs }: ConnectionMaps): void {
  const buckets = new Set([...tableEntries(connections)].map(({ bucket }) => bucket));
  for (const bucket of buckets) connections.update(u32(bucket), Buffer.alloc(ConnectionBucket.SIZE));
  totals.update(u32(0), Buffer.alloc(CtTotals.SIZE));
  for (const key of [...pairs.keys()]) pairs.delete(key);
}

/** As if nothing had been seen of a zone's connections for so long. @param zone its number; absent: of all */
export function ageTable({ sg_ct: connections }: Pick<ConnectionMaps, 'sg_ct'>, seconds: number, zone?: number): void {
  const ticks = Math.floor((seconds * 1e9) / 2 ** 30);
  const places = Array.from(tableEntries(connections), ({ bucket, way, buffer, at }) => ({
    ...{ bucket, way, zone: buffer.readUInt32LE(at + Connection.OFFSETS.zone) },
  }));
  for (const place of places) {
    if (zone !== undefined && place.zone !== zone) continue;
    const value = connections.lookup(u32(place.bucket)) ?? Buffer.alloc(ConnectionBucket.SIZE);
    const entry = ConnectionBucket.OFFSETS.entries + place.way * Connection.SIZE;
    for (const at of [
      ConnectionBucket.OFFSETS.deadlines + place.way * TAG_BYTES,
      entry + Connection.OFFSETS.original + CtDirection.OFFSETS.seen,
      entry + Connection.OFFSETS.reply + CtDirection.OFFSETS.seen,
    ]) {
      value.writeUInt32LE((value.readUInt32LE(at) - ticks) >>> 0, at);
    }
    connections.update(u32(place.bucket), value);
  }
}

/** The connections that a zone opened. @param zone its number */
export function connectionsOf(
  { sg_ct: connections }: Pick<ConnectionMaps, 'sg_ct'>,
  zone: number,
): steering.Connection[] {
  return Array.from(tableEntries(connections), ({ buffer, at }) => Connection.decode(buffer, at)).filter(
    (one) => one.zone === zone,
  );
}

/** Half-open and established connections by pair of zones, `<from> <to>`: as programs counted them, and as they are in the table. */
export function counts({ sg_ct: connections, sg_ct_totals: totals, sg_ct_pairs: pairs }: ConnectionMaps): {
  counted: Record<string, [halfOpen: number, established: number]>;
  recounted: Record<string, [halfOpen: number, established: number]>;
} {
  const counted: Record<string, [number, number]> = {};
  for (const { from, to, halfOpen, established } of pairCounts(pairs)) {
    if (halfOpen + established > 0) counted[`${from} ${to}`] = [halfOpen, established];
  }
  const total = CtTotals.decode(totals.lookup(u32(0)) ?? Buffer.alloc(CtTotals.SIZE), 0);
  counted.all = [total.halfOpen, total.established];
  const recounted: Record<string, [number, number]> = { all: [0, 0] };
  for (const { buffer, at, way } of tableEntries(connections)) {
    const start = at - ConnectionBucket.OFFSETS.entries - way * Connection.SIZE;
    const kind = buffer.readUInt32LE(start + ConnectionBucket.OFFSETS.tags + way * TAG_BYTES) & 3;
    if (kind !== CtSlotClass.CT_SLOT_HALF_OPEN && kind !== CtSlotClass.CT_SLOT_ESTABLISHED) continue;
    const { zone, peer } = Connection.OFFSETS;
    for (const name of ['all', `${buffer.readUInt32LE(at + zone)} ${buffer.readUInt32LE(at + peer)}`]) {
      const count = (recounted[name] ??= [0, 0]);
      count[kind === CtSlotClass.CT_SLOT_HALF_OPEN ? 0 : 1] += 1;
    }
  }
  return { counted, recounted };
}
