/** What tells one kind of entries of a map from another, and how all entries of a map are read. */
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { FastpathMaps } from './maps.js';

/** What a kind of entries adds to what is the same for all. `at` is where a key or a value begins in a buffer. */
export interface EntrySpec<K extends KindName> extends Pick<
  Kind<K>,
  'name' | 'devices' | 'serves' | 'inScope' | 'describe'
> {
  map: (maps: FastpathMaps) => BpfMap;
  /** Of maps that may be large: whether an entry is in a scope. What is wanted is then looked up instead of listing all. */
  large?: (keys: Buffer, at: number, scope: Scope) => boolean;
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

/** Every entry in the plan's terms. */
export function allEntries<K extends KindName>(
  spec: EntrySpec<K>,
  kernel: Kernel,
  map: BpfMap,
  wanted: ReadonlyMap<string, PlanKinds[K]>,
  scope: Scope | undefined,
): Map<string, PlanKinds[K]> {
  const found = new Map<string, PlanKinds[K]>();
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
