import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectChange, ObjectFailure } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { EntrySpec } from './entries.js';

/** Encodes changes into the same two buffers, chunk by chunk, and gives each chunk to the kernel in one batch. */
export class EntryWriter<K extends KindName> {
  readonly failures: ObjectFailure[] = [];
  readonly #spec: EntrySpec<K>;
  readonly #kernel: Kernel;
  readonly #map: BpfMap;
  readonly #keys: Buffer;
  readonly #values: Buffer;
  /** Which change an entry of the buffers is of. */
  readonly #changeOf: Uint32Array;

  /** @param size entries of a chunk at most */
  constructor(spec: EntrySpec<K>, kernel: Kernel, map: BpfMap, size: number) {
    this.#spec = spec;
    this.#kernel = kernel;
    this.#map = map;
    this.#keys = Buffer.alloc(size * map.keySize);
    this.#values = Buffer.alloc(size * map.valueSize);
    this.#changeOf = new Uint32Array(size);
  }

  /** Writes what is desired among changes[start, end). */
  write(changes: readonly ObjectChange<PlanKinds[K]>[], start: number, end: number): void {
    const { keySize, valueSize } = this.#map;
    this.#keys.fill(0);
    this.#values.fill(0);
    let count = 0;
    for (let index = start; index < end; index++) {
      const { key = '', desired } = changes[index] ?? {};
      if (desired === undefined) continue;
      try {
        this.#spec.writeKey(this.#kernel, key, desired, this.#keys, count * keySize);
        this.#spec.writeValue(this.#kernel, key, desired, this.#values, count * valueSize);
        this.#changeOf[count++] = index;
      } catch (error) {
        this.failures.push({ key, error: error as Error });
        // The next takes its place, and wants zeros.
        this.#keyAt(count).fill(0);
        this.#valueAt(count).fill(0);
      }
    }
    if (count === 0) return;
    try {
      this.#map.updateBatch(this.#keys.subarray(0, count * keySize), this.#values.subarray(0, count * valueSize));
    } catch {
      // Which of them it was, and the others for all that: an update twice is one.
      for (let entry = 0; entry < count; entry++) {
        try {
          this.#map.update(this.#keyAt(entry), this.#valueAt(entry));
        } catch (error) {
          this.failures.push({ key: changes[this.#changeOf[entry] ?? 0]?.key ?? '', error: error as Error });
        }
      }
    }
  }

  /** Removes what is not desired among changes[start, end). */
  remove(changes: readonly ObjectChange<PlanKinds[K]>[], start: number, end: number): void {
    this.#keys.fill(0);
    const gone: string[] = [];
    let count = 0;
    for (let index = start; index < end; index++) {
      const { key = '', desired, actual } = changes[index] ?? {};
      if (desired !== undefined || actual === undefined) continue;
      gone.push(key);
      if (this.#spec.writeKey(this.#kernel, key, actual, this.#keys, count * this.#map.keySize)) count += 1;
    }
    try {
      this.#map.deleteBatch(this.#keys.subarray(0, count * this.#map.keySize));
      for (const key of gone) this.#spec.released?.(this.#kernel, key);
    } catch (error) {
      for (const key of gone) this.failures.push({ key, error: error as Error });
    }
  }

  #keyAt(entry: number): Buffer {
    return this.#keys.subarray(entry * this.#map.keySize, (entry + 1) * this.#map.keySize);
  }

  #valueAt(entry: number): Buffer {
    return this.#values.subarray(entry * this.#map.valueSize, (entry + 1) * this.#map.valueSize);
  }
}
