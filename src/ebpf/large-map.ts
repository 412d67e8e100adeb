import { Yielder } from '../reconcile/yielder.js';
import { MapSnapshot, wordsOf } from './snapshot.js';
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedStream } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';
import type { EntrySpec } from './entries.js';

const NONE: readonly never[] = [];

/**
 * Compares a map of up to a million entries with the plan as bytes: desired entries are encoded and compared, and only unexpected entries are
 * decoded, which costs several times as much.
 */
export class LargeMap<K extends ResourceName> implements ObservedStream<Resources[K]> {
  readonly #spec: EntrySpec<K>;
  readonly #kernel: Kernel;
  readonly #map: BpfMap;
  readonly #wanted: ReadonlyMap<string, Resources[K]>;
  readonly #snapshot: MapSnapshot | undefined;
  readonly #key: Uint32Array;
  readonly #keyBytes: Buffer;
  readonly #expected: Uint32Array;
  readonly #expectedBytes: Buffer;
  readonly #value: Buffer;

  private constructor(
    spec: EntrySpec<K>,
    kernel: Kernel,
    map: BpfMap,
    wanted: ReadonlyMap<string, Resources[K]>,
    snapshot: MapSnapshot | undefined,
  ) {
    this.#spec = spec;
    this.#kernel = kernel;
    this.#map = map;
    this.#wanted = wanted;
    this.#snapshot = snapshot;
    this.#keyBytes = Buffer.alloc(map.keySize);
    this.#key = wordsOf(this.#keyBytes);
    this.#expectedBytes = Buffer.alloc(map.valueSize);
    this.#expected = wordsOf(this.#expectedBytes);
    this.#value = Buffer.alloc(map.valueSize);
  }

  /** Compares all entries. */
  static async whole<K extends ResourceName>(
    spec: EntrySpec<K>,
    kernel: Kernel,
    map: BpfMap,
    wanted: ReadonlyMap<string, Resources[K]>,
  ): Promise<LargeMap<K>> {
    return new LargeMap(spec, kernel, map, wanted, await MapSnapshot.of(map));
  }

  /**
   * Compares only requested entries, with a system call for each. It reports no others: only segue writes the map, so a device that came or went
   * adds no unplanned entry. Unexpected entries are found when all are compared.
   */
  static some<K extends ResourceName>(
    spec: EntrySpec<K>,
    kernel: Kernel,
    map: BpfMap,
    wanted: ReadonlyMap<string, Resources[K]>,
  ): LargeMap<K> {
    return new LargeMap(spec, kernel, map, wanted, undefined);
  }

  get(key: string, desired: Resources[K]): Resources[K] | undefined {
    if (this.#snapshot?.size === 0) return undefined;
    this.#key.fill(0);
    if (!this.#spec.writeKey(this.#kernel, key, desired, this.#keyBytes, 0)) return undefined;
    if (this.#snapshot === undefined) return this.#lookUp(key, desired);
    const entry = this.#snapshot.find(this.#key);
    if (entry < 0) return undefined;
    if (this.#encode(key, desired) && this.#snapshot.hasValue(entry, this.#expected)) return desired;
    return this.#spec.read(this.#kernel, this.#snapshot.bytes(entry), this.#wanted)[1];
  }

  async others(): Promise<Iterable<[key: string, value: Resources[K]]>> {
    if (this.#snapshot === undefined) return NONE;
    const yielder = new Yielder();
    const others: [string, Resources[K]][] = [];
    for (const entry of this.#snapshot.unasked()) {
      others.push(this.#spec.read(this.#kernel, this.#snapshot.bytes(entry), this.#wanted));
      if (yielder.shouldYield()) await yielder.yield();
    }
    return others;
  }

  #lookUp(key: string, desired: Resources[K]): Resources[K] | undefined {
    if (this.#map.lookup(this.#keyBytes, this.#value) === undefined) return undefined;
    if (this.#encode(key, desired) && this.#expectedBytes.equals(this.#value)) return desired;
    const bytes = { keys: this.#keyBytes, keyAt: 0, values: this.#value, valueAt: 0 };
    return this.#spec.read(this.#kernel, bytes, this.#wanted)[1];
  }

  /** Encodes the desired value; returns false if it refers to an object that does not exist, so that no entry can match. */
  #encode(key: string, desired: Resources[K]): boolean {
    this.#expected.fill(0);
    try {
      this.#spec.writeValue(this.#kernel, key, desired, this.#expectedBytes, 0);
      return true;
    } catch {
      return false;
    }
  }
}
