/** Resources whose objects are entries of a map, read and written in batches. */
import { allEntries } from './entries.js';
import { EntryWriter } from './entry-writer.js';
import { LargeMap } from './large-map.js';
import type { EntrySpec, RunSpec } from './entries.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, Listing, ObjectChange, ObjectFailure, Scope } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';

/** A resource whose objects are entries of a map. */
export function entryResource<K extends ResourceName>(spec: EntrySpec<K>): Resource<K> {
  return resourceOf(spec, () => spec);
}

/** The same for entries whose encoding depends on the kernel's state (RunSpec). */
export function entryResourceByRun<K extends ResourceName, R>(spec: RunSpec<K, R>): Resource<K> {
  return resourceOf(spec, (kernel) => {
    const run = spec.begin(kernel);
    return {
      ...spec,
      read: (_kernel, bytes, wanted) => spec.read(kernel, bytes, wanted, run),
      writeValue: (_kernel, key, value, into, at) => {
        spec.writeValue(kernel, key, value, into, at, run);
      },
    };
  });
}

type Open<K extends ResourceName> = (kernel: Kernel) => EntrySpec<K>;

/** @param open returns the encoding of the entries for one listing or application */
function resourceOf<K extends ResourceName>(
  spec: Omit<EntrySpec<K>, 'read' | 'writeValue'>,
  open: Open<K>,
): Resource<K> {
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
    list: (kernel, wanted, scope) => listEntries(spec, open, kernel, wanted, scope),
    apply: (kernel, changes) => applyEntries(spec, open, kernel, changes),
  };
}

function listEntries<K extends ResourceName>(
  { map: mapOf, large }: Pick<EntrySpec<K>, 'map' | 'large'>,
  open: Open<K>,
  kernel: Kernel,
  wanted: ReadonlyMap<string, Resources[K]>,
  scope: Scope | undefined,
): Listing<Resources[K]> | Promise<Listing<Resources[K]>> {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return new Map<string, Resources[K]>();
  const map = mapOf(maps);
  const spec = open(kernel);
  spec.beforeList?.(kernel, wanted);
  if (large === undefined) return allEntries(spec, kernel, map, wanted);
  return scope === undefined ? LargeMap.whole(spec, kernel, map, wanted) : LargeMap.some(spec, kernel, map, wanted);
}

async function applyEntries<K extends ResourceName>(
  { map: mapOf }: Pick<EntrySpec<K>, 'map'>,
  open: Open<K>,
  kernel: Kernel,
  changes: readonly ObjectChange<Resources[K]>[],
): Promise<ObjectFailure[]> {
  const { fastpath } = kernel;
  let maps;
  let spec;
  try {
    maps = changes.some(({ desired }) => desired !== undefined) ? fastpath.makeMaps() : fastpath.maps;
    if (maps === undefined) return [];
    spec = open(kernel);
    spec.beforeApply?.(kernel);
  } catch (error) {
    return changes.map(({ key }) => ({ key, error: error as Error }));
  }
  const writer = new EntryWriter(spec, kernel, { map: mapOf(maps), epochs: maps.sg_cache_gen }, changes);
  await writer.write();
  await writer.remove();
  return writer.failures;
}
