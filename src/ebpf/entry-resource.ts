/** Resources whose objects are entries of a map: listed, compared and written in batches. */
import { allEntries } from './entries.js';
import { EntryWriter } from './entry-writer.js';
import { LargeMap } from './large-map.js';
import type { EntrySpec } from './entries.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, Listing, ObjectChange, ObjectFailure, Scope } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';

/** A resource whose objects are entries of a map. */
export function entryResource<K extends ResourceName>(spec: EntrySpec<K>): Resource<K> {
  const { name, after, before, follows, underlay, devices, toleratesConflict, inScope, describe } = spec;
  return {
    name,
    after,
    follows,
    containedIn: 'bpf-node',
    outlivesDevices: true,
    describe,
    ...(before && { before }),
    ...(underlay && { underlay }),
    ...(devices && { devices }),
    ...(toleratesConflict && { toleratesConflict }),
    ...(inScope && { inScope }),
    list: (kernel, wanted, scope) => listEntries(spec, kernel, wanted, scope),
    apply: (kernel, changes) => applyEntries(spec, kernel, changes),
  };
}

function listEntries<K extends ResourceName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  wanted: ReadonlyMap<string, Resources[K]>,
  scope: Scope | undefined,
): Listing<Resources[K]> | Promise<Listing<Resources[K]>> {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return new Map<string, Resources[K]>();
  const map = spec.map(maps);
  spec.beforeList?.(kernel, wanted);
  if (spec.large === undefined) return allEntries(spec, kernel, map, wanted);
  return scope === undefined ? LargeMap.whole(spec, kernel, map, wanted) : LargeMap.some(spec, kernel, map, wanted);
}

async function applyEntries<K extends ResourceName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  changes: readonly ObjectChange<Resources[K]>[],
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
  const writer = new EntryWriter(spec, kernel, { map: spec.map(maps), epochs: maps.epochs }, changes);
  await writer.write();
  await writer.remove();
  return writer.failures;
}
