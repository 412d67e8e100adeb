/** What tells one kind of entries of a map from another, and how all entries of a map are read. */
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';
import type { FastpathMaps } from './maps.js';

/** What a kind of entries adds to what is the same for all. `at` is where a key or a value begins in a buffer. */
export interface EntrySpec<K extends ResourceName> extends Pick<
  Resource<K>,
  'name' | 'after' | 'before' | 'follows' | 'underlay' | 'devices' | 'toleratesConflict' | 'inScope' | 'describe'
> {
  map: (this: void, maps: FastpathMaps) => BpfMap;
  /** The map may be large: it is compared as bytes (LargeMap). Keys and values are whole words of 4 bytes. */
  large?: true;
  /** Before a listing. */
  beforeList?(kernel: Kernel, wanted: ReadonlyMap<string, Resources[K]>): void;
  /** Before changes are made. */
  beforeApply?(kernel: Kernel): void;
  /** An entry in the plan's terms. */
  read(
    kernel: Kernel,
    bytes: { keys: Buffer; keyAt: number; values: Buffer; valueAt: number },
    wanted: ReadonlyMap<string, Resources[K]>,
  ): [key: string, value: ObservedObject<Resources[K]>];
  /** Writes the map's key into zeros; false: there is no such entry to remove. Throws where there cannot be one to make. */
  writeKey(kernel: Kernel, key: string, value: Resources[K], into: Buffer, at: number): boolean;
  /** Writes the map's value into zeros. */
  writeValue(kernel: Kernel, key: string, value: Resources[K], into: Buffer, at: number): void;
  /** After an entry is gone. */
  released?(kernel: Kernel, key: string): void;
}

/** Entries of which what is read and written depends on what the kernel says during one listing or application. */
export interface RunSpec<K extends ResourceName, R> extends Omit<
  EntrySpec<K>,
  'beforeList' | 'beforeApply' | 'read' | 'writeValue'
> {
  /** Asks the kernel, at the beginning of a listing or an application. */
  begin(kernel: Kernel): R;
  read(...args: [...Parameters<EntrySpec<K>['read']>, run: R]): ReturnType<EntrySpec<K>['read']>;
  writeValue(...args: [...Parameters<EntrySpec<K>['writeValue']>, run: R]): void;
}

/** Every entry in the plan's terms. */
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
