/** Description of a map's kind of entries, and reading all entries of a map. */
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';
import type { FastpathMaps } from './maps.js';

/** The part of a map resource that is specific to its entries. `at` is the offset of a key or a value in a buffer. */
export interface EntrySpec<K extends ResourceName> extends Pick<
  Resource<K>,
  'name' | 'after' | 'before' | 'follows' | 'underlay' | 'devices' | 'toleratesConflict' | 'inScope' | 'describe'
> {
  map: (this: void, maps: FastpathMaps) => BpfMap;
  /** Set if the map may be large: entries are compared as bytes (LargeMap). Keys and values must be multiples of 4 bytes. */
  large?: true;
  /** Called before a listing. */
  beforeList?(kernel: Kernel, wanted: ReadonlyMap<string, Resources[K]>): void;
  /** Called before changes are applied. */
  beforeApply?(kernel: Kernel): void;
  /** Decodes an entry. */
  read(
    kernel: Kernel,
    bytes: { keys: Buffer; keyAt: number; values: Buffer; valueAt: number },
    wanted: ReadonlyMap<string, Resources[K]>,
  ): [key: string, value: ObservedObject<Resources[K]>];
  /** Writes the key into zeros. Returns false if no such entry can exist, so there is none to remove; throws if one cannot be made. */
  writeKey(kernel: Kernel, key: string, value: Resources[K], into: Buffer, at: number): boolean;
  /** Writes the value into zeros. */
  writeValue(kernel: Kernel, key: string, value: Resources[K], into: Buffer, at: number): void;
  /** Called after an entry was removed. */
  released?(kernel: Kernel, key: string): void;
}

/** Entries whose encoding depends on the kernel's state, which is read once for a listing or an application. */
export interface RunSpec<K extends ResourceName, R> extends Omit<
  EntrySpec<K>,
  'beforeList' | 'beforeApply' | 'read' | 'writeValue'
> {
  /** Reads the kernel's state at the start of a listing or an application. */
  begin(kernel: Kernel): R;
  read(...args: [...Parameters<EntrySpec<K>['read']>, run: R]): ReturnType<EntrySpec<K>['read']>;
  writeValue(...args: [...Parameters<EntrySpec<K>['writeValue']>, run: R]): void;
}

/** Decodes all entries of a map. */
export function allEntries<K extends ResourceName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  map: BpfMap,
  wanted: ReadonlyMap<string, Resources[K]>,
): Map<string, ObservedObject<Resources[K]>> {
  const found = new Map<string, ObservedObject<Resources[K]>>();
  for (const { count, keys, values } of map.readBatches()) {
    const bytes = { keys, keyAt: 0, values, valueAt: 0 };
    for (let index = 0; index < count; index++) {
      found.set(...spec.read(kernel, bytes, wanted));
      bytes.keyAt += map.keySize;
      bytes.valueAt += map.valueSize;
    }
  }
  return found;
}
