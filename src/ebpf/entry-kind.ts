/** Kinds whose objects are entries of a map: listed, compared and written in batches. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, ObjectChange, ObjectFailure, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { FastpathMaps } from './maps.js';

/** Entries encoded and written at a time: the event loop breathes in between. */
const CHUNK_ENTRIES = 16_384;

/** What a kind of entries adds to what is the same for all. `at` is where a key or a value begins in a buffer. */
export interface EntrySpec<K extends KindName> extends Pick<
  Kind<K>,
  'name' | 'devices' | 'serves' | 'inScope' | 'describe'
> {
  map: (maps: FastpathMaps) => BpfMap;
  /** Before a listing. */
  beforeList?(kernel: Kernel, wanted: ReadonlyMap<string, PlanKinds[K]>): void;
  /** Before changes are made. */
  beforeApply?(kernel: Kernel): void;
  /** An entry in the plan's terms; undefined: not in the scope. */
  read(
    kernel: Kernel,
    bytes: { keys: Buffer; keyAt: number; values: Buffer; valueAt: number },
    wanted: ReadonlyMap<string, PlanKinds[K]>,
    scope: Scope | undefined,
  ): [key: string, value: PlanKinds[K]] | undefined;
  /** Writes the map's key; false: there is no such entry to remove. Throws where there cannot be one to make. */
  writeKey(kernel: Kernel, key: string, value: PlanKinds[K], into: Buffer, at: number): boolean;
  /** Writes the map's value; the bytes may be another's from before. */
  writeValue(kernel: Kernel, key: string, value: PlanKinds[K], into: Buffer, at: number): void;
  /** After an entry is gone. */
  released?(kernel: Kernel, key: string): void;
}

/** A kind of entries of a map. */
export function entryKind<K extends KindName>(spec: EntrySpec<K>): Kind<K> {
  const { name, devices, serves, inScope, describe } = spec;
  return {
    name,
    outlivesDevices: true,
    describe,
    ...(devices && { devices }),
    ...(serves && { serves }),
    ...(inScope && { inScope }),
    list: (kernel, wanted, scope) => listEntries(spec, kernel, wanted, scope),
    apply: (kernel, changes) => applyEntries(spec, kernel, changes),
  };
}

function listEntries<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  wanted: ReadonlyMap<string, PlanKinds[K]>,
  scope: Scope | undefined,
): Map<string, PlanKinds[K]> {
  const found = new Map<string, PlanKinds[K]>();
  const { maps } = kernel.fastpath;
  if (maps === undefined) return found;
  const map = spec.map(maps);
  spec.beforeList?.(kernel, wanted);
  for (const { count, keys, values } of map.readBatches()) {
    const bytes = { keys, keyAt: 0, values, valueAt: 0 };
    for (let index = 0; index < count; index++) {
      const entry = spec.read(kernel, bytes, wanted, scope);
      if (entry !== undefined) found.set(entry[0], entry[1]);
      bytes.keyAt += map.keySize;
      bytes.valueAt += map.valueSize;
    }
  }
  return found;
}

async function applyEntries<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  changes: readonly ObjectChange<PlanKinds[K]>[],
): Promise<ObjectFailure[]> {
  const failures: ObjectFailure[] = [];
  const coming = changes.filter(({ desired }) => desired !== undefined);
  const going = changes.filter(({ desired }) => desired === undefined);
  const { fastpath } = kernel;
  let maps;
  try {
    maps = coming.length > 0 ? fastpath.makeMaps() : fastpath.maps;
    if (maps === undefined) return [];
    spec.beforeApply?.(kernel);
  } catch (error) {
    return changes.map(({ key }) => ({ key, error: error as Error }));
  }
  const map = spec.map(maps);
  for (let start = 0; start < coming.length; start += CHUNK_ENTRIES) {
    if (start > 0) await yieldToLoop();
    write(spec, kernel, map, coming.slice(start, start + CHUNK_ENTRIES), failures);
  }
  for (let start = 0; start < going.length; start += CHUNK_ENTRIES) {
    if (start > 0) await yieldToLoop();
    remove(spec, kernel, map, going.slice(start, start + CHUNK_ENTRIES), failures);
  }
  return failures;
}

function write<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  map: BpfMap,
  changes: readonly ObjectChange<PlanKinds[K]>[],
  failures: ObjectFailure[],
): void {
  const keys = Buffer.alloc(changes.length * map.keySize);
  const values = Buffer.alloc(changes.length * map.valueSize);
  const written: string[] = [];
  for (const { key, desired } of changes) {
    if (desired === undefined) continue;
    try {
      const at = written.length;
      spec.writeKey(kernel, key, desired, keys, at * map.keySize);
      spec.writeValue(kernel, key, desired, values, at * map.valueSize);
      written.push(key);
    } catch (error) {
      failures.push({ key, error: error as Error });
    }
  }
  const keyOf = (index: number): Buffer => keys.subarray(index * map.keySize, (index + 1) * map.keySize);
  try {
    map.updateBatch(keys.subarray(0, written.length * map.keySize), values.subarray(0, written.length * map.valueSize));
  } catch {
    // Which of them it was, and the others for all that: an update twice is one.
    for (const [index, key] of written.entries()) {
      try {
        map.update(keyOf(index), values.subarray(index * map.valueSize, (index + 1) * map.valueSize));
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
  }
}

function remove<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  map: BpfMap,
  changes: readonly ObjectChange<PlanKinds[K]>[],
  failures: ObjectFailure[],
): void {
  const keys = Buffer.alloc(changes.length * map.keySize);
  let count = 0;
  for (const { key, actual } of changes) {
    if (actual !== undefined && spec.writeKey(kernel, key, actual, keys, count * map.keySize)) count += 1;
  }
  try {
    map.deleteBatch(keys.subarray(0, count * map.keySize));
    for (const { key } of changes) spec.released?.(kernel, key);
  } catch (error) {
    for (const { key } of changes) failures.push({ key, error: error as Error });
  }
}
