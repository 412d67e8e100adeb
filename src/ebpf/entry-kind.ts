/** Kinds whose objects are entries of a map: listed, compared and written in batches. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { allEntries } from './entries.js';
import { newEpoch } from './epoch.js';
import { LargeMap } from './large-map.js';
import type { EntrySpec } from './entries.js';
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Found, Kind, ObjectChange, ObjectFailure, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';

/** Entries encoded and written at a time: the event loop breathes in between. */
const CHUNK_ENTRIES = 16_384;

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
): Found<PlanKinds[K]> {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return new Map<string, PlanKinds[K]>();
  const map = spec.map(maps);
  spec.beforeList?.(kernel, wanted);
  return spec.large === undefined
    ? allEntries(spec, kernel, map, wanted, scope)
    : new LargeMap(spec, spec.large, kernel, map, wanted, scope);
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
    newEpoch(maps.epochs);
  }
  for (let start = 0; start < going.length; start += CHUNK_ENTRIES) {
    if (start > 0) await yieldToLoop();
    remove(spec, kernel, map, going.slice(start, start + CHUNK_ENTRIES), failures);
    newEpoch(maps.epochs);
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
