/**
 * Maps of one layout are a generation, pinned apart from those of another: a build with other layouts makes its own beside the old
 * ones, which serve until the last program is swapped. Entries are planned anew; what only the maps know, the counters, is carried.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BpfMap } from 'libbpf-ts';
import * as layouts from './generated/layouts.js';
import { MAP_SIZES } from './maps.js';
import type { FastpathMaps } from './maps.js';

/** What a later build has to know of this one's maps. */
export interface LayoutDescription {
  maps: Record<string, readonly [key: number, value: number]>;
  /** Byte offsets of fields, by struct. */
  offsets: Record<string, Record<string, number>>;
  /** Numbers of reasons. */
  reasons: Record<string, number>;
}

export const LAYOUT: LayoutDescription = {
  maps: MAP_SIZES,
  offsets: Object.fromEntries(
    Object.values(layouts).flatMap((codec) => ('OFFSETS' in codec ? [[codec.NAME, codec.OFFSETS]] : [])),
  ),
  reasons: layouts.Reason,
};

const GENERATION_CHARS = 12;

/** The name of a layout. */
export function generationOf(layout: LayoutDescription): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(layout)))
    .digest('hex')
    .slice(0, GENERATION_CHARS);
}

/** The same whatever order keys come in: a bundle lists a module's exports otherwise than the module does. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

export const GENERATION = generationOf(LAYOUT);

function layoutFile(runDirectory: string, generation: string): string {
  return `${runDirectory}/fastpath-layout-${generation}.json`;
}

/** Writes down how maps are laid out, for the next build. */
export function describeLayout(runDirectory: string, layout: LayoutDescription): void {
  mkdirSync(runDirectory, { recursive: true });
  writeFileSync(layoutFile(runDirectory, generationOf(layout)), JSON.stringify(layout));
}

const U64_BYTES = 8;

/**
 * Carries the counters of another generation's maps over, by the names of fields and reasons: ports keep their slots, as stubs that
 * the plan completes.
 *
 * @param from directory of its pins
 * @returns false where nobody wrote down how they are laid out
 */
export function carryCounters(runDirectory: string, generation: string, from: string, to: FastpathMaps): boolean {
  const file = layoutFile(runDirectory, generation);
  if (!existsSync(file)) return false;
  const { offsets, reasons } = JSON.parse(readFileSync(file, 'utf8')) as LayoutDescription;
  carry(from, 'sg_ports', (ports) => {
    const slotAt = offsets['struct port']?.slot;
    if (slotAt === undefined) return;
    for (const [key, value] of ports.entries()) {
      const stub = Buffer.alloc(layouts.Port.SIZE);
      value.copy(stub, layouts.Port.OFFSETS.slot, slotAt, slotAt + 4);
      to.sg_ports.update(key, stub);
      carry(from, 'sg_port_stats', (traffics) => {
        const slot = stub.subarray(layouts.Port.OFFSETS.slot, layouts.Port.OFFSETS.slot + 4);
        copyCounters(
          traffics,
          slot,
          offsets['struct traffic_stats'] ?? offsets['struct traffic'],
          to.sg_port_stats,
          slot,
          layouts.TrafficStats.OFFSETS,
        );
      });
    }
  });
  carry(from, 'sg_verdicts', (old) => {
    for (const [name, number] of Object.entries(layouts.Reason)) {
      const before = reasons[name];
      if (before === undefined || name === 'REASON_COUNT') continue;
      copyCounters(
        old,
        key(before),
        offsets['struct verdict_count'] ?? offsets['struct count'],
        to.sg_verdicts,
        key(number),
        layouts.VerdictCount.OFFSETS,
      );
    }
  });
  return true;
}

/** What builds called these maps before map names began with `sg_`. */
const OLD_NAMES = { sg_ports: 'ports', sg_port_stats: 'traffics', sg_verdicts: 'reasons' } as const;

function carry(directory: string, name: keyof typeof OLD_NAMES, use: (map: BpfMap) => void): void {
  const path = [name, OLD_NAMES[name]].map((file) => `${directory}/${file}`).find((file) => existsSync(file));
  if (path === undefined) return;
  const map = BpfMap.openPinned(path);
  try {
    use(map);
  } finally {
    map.close();
  }
}

/** Fields of 8 bytes of every CPU's value. */
function copyCounters(
  from: BpfMap,
  fromKey: Buffer,
  fromOffsets: Readonly<Record<string, number>> | undefined,
  to: BpfMap,
  toKey: Buffer,
  toOffsets: Readonly<Record<string, number>>,
): void {
  const old = from.lookup(fromKey);
  if (old === undefined) return;
  const values = Buffer.alloc(to.valueSize);
  const parts = to.cpuValues(values);
  for (const [cpu, bytes] of from.cpuValues(old).entries()) {
    for (const [field, at] of Object.entries(toOffsets)) {
      const oldAt = fromOffsets?.[field];
      const part = parts[cpu];
      if (oldAt !== undefined && part !== undefined) bytes.copy(part, at, oldAt, oldAt + U64_BYTES);
    }
  }
  to.update(toKey, values);
}

function key(index: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(index);
  return bytes;
}
