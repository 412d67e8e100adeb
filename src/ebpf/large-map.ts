import { allEntries } from './entries.js';
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Found, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { EntrySpec } from './entries.js';

/**
 * A map of up to a million entries, held against the plan: each wanted entry is looked up and compared as bytes, and the map is
 * counted. Only where it holds more than was found are its entries put into the plan's terms, which costs several times as much.
 */
export class LargeMap<K extends KindName> implements Found<PlanKinds[K]> {
  readonly #spec: EntrySpec<K>;
  readonly #isInScope: (keys: Buffer, at: number, scope: Scope) => boolean;
  readonly #kernel: Kernel;
  readonly #map: BpfMap;
  readonly #wanted: ReadonlyMap<string, PlanKinds[K]>;
  readonly #scope: Scope | undefined;
  readonly #key: Buffer;
  readonly #value: Buffer;
  readonly #expected: Buffer;
  #found = 0;

  constructor(
    spec: EntrySpec<K>,
    isInScope: (keys: Buffer, at: number, scope: Scope) => boolean,
    kernel: Kernel,
    map: BpfMap,
    wanted: ReadonlyMap<string, PlanKinds[K]>,
    scope: Scope | undefined,
  ) {
    this.#spec = spec;
    this.#isInScope = isInScope;
    this.#kernel = kernel;
    this.#map = map;
    this.#wanted = wanted;
    this.#scope = scope;
    this.#key = Buffer.alloc(map.keySize);
    this.#value = Buffer.alloc(map.valueSize);
    this.#expected = Buffer.alloc(map.valueSize);
  }

  /** A wanted entry: the wanted value itself where the map has that. Each is to be asked for once. */
  get(key: string): PlanKinds[K] | undefined {
    const desired = this.#wanted.get(key);
    if (desired === undefined) return undefined;
    this.#key.fill(0);
    if (!this.#spec.writeKey(this.#kernel, key, desired, this.#key, 0)) return undefined;
    if (this.#map.lookup(this.#key, this.#value) === undefined) return undefined;
    this.#found += 1;
    if (this.#isAsWanted(key, desired)) return desired;
    const bytes = { keys: this.#key, keyAt: 0, values: this.#value, valueAt: 0 };
    return this.#spec.read(this.#kernel, bytes, this.#wanted, undefined)?.[1];
  }

  get size(): number {
    let entries = 0;
    for (const { count, keys } of this.#map.readBatches()) {
      if (this.#scope === undefined) {
        entries += count;
        continue;
      }
      for (let index = 0; index < count; index++) {
        if (this.#isInScope(keys, index * this.#map.keySize, this.#scope)) entries += 1;
      }
    }
    return entries;
  }

  *[Symbol.iterator](): Generator<[key: string, value: PlanKinds[K]], void, undefined> {
    if (this.size === this.#found) return;
    for (const entry of allEntries(this.#spec, this.#kernel, this.#map, this.#wanted, this.#scope)) {
      if (!this.#wanted.has(entry[0])) yield entry;
    }
  }

  #isAsWanted(key: string, desired: PlanKinds[K]): boolean {
    this.#expected.fill(0);
    try {
      this.#spec.writeValue(this.#kernel, key, desired, this.#expected, 0);
    } catch {
      // What it names is not there: it cannot be as wanted.
      return false;
    }
    return this.#expected.equals(this.#value);
  }
}
