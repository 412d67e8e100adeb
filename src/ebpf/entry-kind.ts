/** Kinds whose objects are entries of a map: listed, compared and written in batches. */
import { allEntries } from './entries.js';
import { EntryWriter } from './entry-writer.js';
import { LargeMap } from './large-map.js';
import type { EntrySpec } from './entries.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, Listing, ObjectChange, ObjectFailure, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';

/** A kind of entries of a map. */
export function entryKind<K extends KindName>(spec: EntrySpec<K>): Kind<K> {
  const { name, devices, toleratesConflict: serves, inScope, describe } = spec;
  return {
    name,
    containedIn: 'bpf-node',
    outlivesDevices: true,
    describe,
    ...(devices && { devices }),
    ...(serves && { toleratesConflict: serves }),
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
): Listing<PlanKinds[K]> | Promise<Listing<PlanKinds[K]>> {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return new Map<string, PlanKinds[K]>();
  const map = spec.map(maps);
  spec.beforeList?.(kernel, wanted);
  if (spec.large === undefined) return allEntries(spec, kernel, map, wanted);
  return scope === undefined ? LargeMap.whole(spec, kernel, map, wanted) : LargeMap.some(spec, kernel, map, wanted);
}

async function applyEntries<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  changes: readonly ObjectChange<PlanKinds[K]>[],
): Promise<ObjectFailure[]> {
  const { fastpath } = kernel;
  let maps;
  try {
    maps = changes.some(({ desired }) => desired !== undefined) ? fastpath.makeMaps() : fastpath.maps;
    if (maps === undefined) return [];
    spec.beforeApply?.(kernel);
  } catch (error) {
    return changes.map(({ key }) => ({ key, error: error as Error }));
  }
  const writer = new EntryWriter(spec, kernel, { map: spec.map(maps), epochs: maps.sg_cache_gen }, changes);
  await writer.write();
  await writer.remove();
  return writer.failures;
}
