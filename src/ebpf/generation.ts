/**
 * Maps of one layout form a generation, pinned in a directory of its own: a build with another layout makes new maps beside the old ones, which
 * remain in use until the last program is replaced. Entries are planned again; counters exist only in the maps and are carried over.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readRegularFile } from '../intent/regular-file.js';
import { replaceFile } from '../kernel/replace-file.js';
import { BpfMap } from 'libbpf-ts';
import * as layouts from './generated/layouts.js';
import { FASTPATH_MAPS } from './generated/maps.js';
import { MAP_SIZES, writtenOf } from './maps.js';
import type { FastpathMaps } from './maps.js';

/** Description of a build's maps, for later builds. */
export interface LayoutDescription {
  maps: Record<string, readonly [key: number, value: number]>;
  /**
   * Names of maps that programs write: the verifier rejects a program that writes to a map which another build created read-only for programs
   * (BPF_F_RDONLY_PROG).
   */
  written: readonly string[];
  /** Byte offsets of fields by struct. */
  offsets: Record<string, Record<string, number>>;
  /** Numbers of the reasons. */
  reasons: Record<string, number>;
}

export const LAYOUT: LayoutDescription = {
  maps: MAP_SIZES,
  written: writtenOf(FASTPATH_MAPS),
  offsets: Object.fromEntries(
    Object.values(layouts).flatMap((codec) => ('OFFSETS' in codec ? [[codec.NAME, codec.OFFSETS]] : [])),
  ),
  reasons: layouts.Reason,
};

const GENERATION_CHARS = 12;

/** The name of a layout's generation. */
export function generationOf(layout: LayoutDescription): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(layout)))
    .digest('hex')
    .slice(0, GENERATION_CHARS);
}

/** Sorts keys: a bundle lists a module's exports in another order than the module. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

export const GENERATION = generationOf(LAYOUT);

function layoutFile(runDirectory: string, generation: string): string {
  return `${runDirectory}/fastpath-layout-${generation}.json`;
}

/** Saves the description of the layout for later builds. */
export function describeLayout(runDirectory: string, layout: LayoutDescription): void {
  replaceFile(layoutFile(runDirectory, generationOf(layout)), JSON.stringify(layout));
}

const U64_BYTES = 8;

/**
 * Carries over the counters of another generation's maps, matching fields and reasons by name. Ports keep their counter slots: their entries are
 * created with the slot only, and the plan completes them.
 *
 * @param from directory of that generation's pins
 * @returns false if its layout was not saved
 */
export function carryCounters(runDirectory: string, generation: string, from: string, to: FastpathMaps): boolean {
  const file = layoutFile(runDirectory, generation);
  if (!existsSync(file)) return false;
  const { offsets, reasons } = JSON.parse(readRegularFile(file).toString()) as LayoutDescription;
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

/** Names of these maps before map names had the prefix `sg_`. */
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

/** Copies the 8-byte fields of each CPU's value. */
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
