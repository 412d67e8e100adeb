import { Breath } from '../reconcile/breath.js';
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { LargeFound, Scope } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { EntrySpec } from './entries.js';

const NONE: readonly never[] = [];

/**
 * A map of up to a million entries, held against the plan: each wanted entry is looked up and compared as bytes. Then the map is
 * counted, and only where it holds more than was found are its entries put into the plan's terms, which costs several times as much.
 *
 * Within a scope nothing is counted: nobody else writes the map, so what a scope is looked at for, a device that came or went, makes
 * no entry that the plan does not have. The sweep finds those that came about otherwise.
 */
export class LargeMap<K extends KindName> implements LargeFound<PlanKinds[K]> {
  readonly #spec: EntrySpec<K>;
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
    kernel: Kernel,
    map: BpfMap,
    wanted: ReadonlyMap<string, PlanKinds[K]>,
    scope: Scope | undefined,
  ) {
    this.#spec = spec;
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
    return this.#spec.read(this.#kernel, bytes, this.#wanted)?.[1];
  }

  async others(): Promise<Iterable<[key: string, value: PlanKinds[K]]>> {
    if (this.#scope !== undefined) return NONE;
    const breath = new Breath();
    let entries = 0;
    for (const { count } of this.#map.readBatches()) {
      entries += count;
      if (breath.isOver()) await breath.take();
    }
    return entries === this.#found ? NONE : this.#unwanted(breath);
  }

  async #unwanted(breath: Breath): Promise<[key: string, value: PlanKinds[K]][]> {
    const unwanted: [string, PlanKinds[K]][] = [];
    for (const { count, keys, values } of this.#map.readBatches()) {
      const bytes = { keys, keyAt: 0, values, valueAt: 0 };
      for (let index = 0; index < count; index++) {
        const entry = this.#spec.read(this.#kernel, bytes, this.#wanted);
        if (!this.#wanted.has(entry[0])) unwanted.push(entry);
        bytes.keyAt += this.#map.keySize;
        bytes.valueAt += this.#map.valueSize;
      }
      if (breath.isOver()) await breath.take();
    }
    return unwanted;
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
