import { Yielder } from '../reconcile/yielder.js';
import { nextCacheGeneration } from './epoch.js';
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectChange, ObjectFailure } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';
import type { EntrySpec } from './entries.js';

/** Entries that are encoded and written at a time, by one system call of some 4 ms. */
const CHUNK_ENTRIES = 4096;
/** Buffers in use for many entries: one is filled while the kernel processes two; a hash map allows parallel updates from several CPUs. */
const CHUNKS = 3;

/** A buffer of keys and one of values, for a chunk of entries. */
class Chunk {
  readonly keys: Buffer;
  readonly values: Buffer;
  /** Index of the change of each entry. */
  readonly changeOf: Uint32Array;
  count = 0;
  /** Resolves when the kernel has written or refused the entries. */
  given: Promise<void> | undefined;
  readonly #keySize: number;
  readonly #valueSize: number;

  constructor({ keySize, valueSize }: BpfMap, size: number) {
    this.#keySize = keySize;
    this.#valueSize = valueSize;
    this.keys = Buffer.alloc(size * keySize);
    this.values = Buffer.alloc(size * valueSize);
    this.changeOf = new Uint32Array(size);
  }

  get filled(): [keys: Buffer, values: Buffer] {
    return [this.keys.subarray(0, this.count * this.#keySize), this.values.subarray(0, this.count * this.#valueSize)];
  }

  clear(): void {
    this.keys.fill(0);
    this.values.fill(0);
    this.count = 0;
  }

  keyAt(entry: number): Buffer {
    return this.keys.subarray(entry * this.#keySize, (entry + 1) * this.#keySize);
  }

  valueAt(entry: number): Buffer {
    return this.values.subarray(entry * this.#valueSize, (entry + 1) * this.#valueSize);
  }
}

/** Encodes changes in chunks, and passes each chunk to the kernel in one batch. */
export class EntryWriter<K extends ResourceName> {
  readonly failures: ObjectFailure[] = [];
  readonly #spec: EntrySpec<K>;
  readonly #kernel: Kernel;
  readonly #map: BpfMap;
  readonly #epochs: BpfMap;
  readonly #changes: readonly ObjectChange<Resources[K]>[];
  readonly #chunks: readonly Chunk[];

  constructor(
    spec: EntrySpec<K>,
    kernel: Kernel,
    { map, epochs }: { map: BpfMap; epochs: BpfMap },
    changes: readonly ObjectChange<Resources[K]>[],
  ) {
    this.#spec = spec;
    this.#kernel = kernel;
    this.#map = map;
    this.#epochs = epochs;
    this.#changes = changes;
    const chunks = changes.length > CHUNK_ENTRIES ? CHUNKS : 1;
    this.#chunks = Array.from({ length: chunks }, () => new Chunk(map, Math.min(changes.length, CHUNK_ENTRIES)));
  }

  /** Writes the desired entries; yields to the event loop if they are many. */
  async write(): Promise<void> {
    for (let start = 0, turn = 0; start < this.#changes.length; start += CHUNK_ENTRIES, turn++) {
      const chunk = this.#chunks[turn % this.#chunks.length];
      if (chunk === undefined) return;
      await this.#settle(chunk);
      this.#kernel.progress.done += CHUNK_ENTRIES;
      this.#fill(chunk, start);
      if (chunk.count === 0) continue;
      if (this.#chunks.length > 1) {
        chunk.given = this.#give(chunk);
        continue;
      }
      try {
        this.#map.updateBatch(...chunk.filled);
      } catch {
        this.#giveEach(chunk);
      }
      nextCacheGeneration(this.#epochs);
    }
    for (const chunk of this.#chunks) await this.#settle(chunk);
  }

  /** Removes entries that are not desired. */
  async remove(): Promise<void> {
    const yielder = new Yielder();
    for (let start = 0; start < this.#changes.length; start += CHUNK_ENTRIES) {
      if (yielder.isOverBudget()) await yielder.yield();
      this.#remove(start);
    }
  }

  async #settle(chunk: Chunk): Promise<void> {
    if (chunk.given === undefined) return;
    await chunk.given;
    chunk.given = undefined;
    nextCacheGeneration(this.#epochs);
  }

  #fill(chunk: Chunk, start: number): void {
    const { keySize, valueSize } = this.#map;
    const end = Math.min(start + CHUNK_ENTRIES, this.#changes.length);
    chunk.clear();
    for (let index = start; index < end; index++) {
      const { key = '', desired } = this.#changes[index] ?? {};
      if (desired === undefined) continue;
      try {
        this.#spec.writeKey(this.#kernel, key, desired, chunk.keys, chunk.count * keySize);
        this.#spec.writeValue(this.#kernel, key, desired, chunk.values, chunk.count * valueSize);
        chunk.changeOf[chunk.count++] = index;
      } catch (error) {
        this.failures.push({ key, error: error as Error });
        // The next entry is encoded at the same place, and needs zeros.
        chunk.keyAt(chunk.count).fill(0);
        chunk.valueAt(chunk.count).fill(0);
      }
    }
  }

  async #give(chunk: Chunk): Promise<void> {
    try {
      await this.#map.updateBatchAsync(...chunk.filled);
    } catch {
      this.#giveEach(chunk);
    }
  }

  /** Repeats a failed batch entry by entry, to find those that the kernel refuses; repeating an update is harmless. */
  #giveEach(chunk: Chunk): void {
    for (let entry = 0; entry < chunk.count; entry++) {
      try {
        this.#map.update(chunk.keyAt(entry), chunk.valueAt(entry));
      } catch (error) {
        this.failures.push({ key: this.#changes[chunk.changeOf[entry] ?? 0]?.key ?? '', error: error as Error });
      }
    }
  }

  #remove(start: number): void {
    const { keySize } = this.#map;
    const [chunk] = this.#chunks;
    if (chunk === undefined) return;
    chunk.clear();
    const gone: string[] = [];
    for (let index = start; index < Math.min(start + CHUNK_ENTRIES, this.#changes.length); index++) {
      const { key = '', desired, actual } = this.#changes[index] ?? {};
      if (desired !== undefined || actual === undefined) continue;
      gone.push(key);
      if (this.#spec.writeKey(this.#kernel, key, actual, chunk.keys, chunk.count * keySize)) chunk.count += 1;
    }
    if (gone.length === 0) return;
    try {
      this.#map.deleteBatch(chunk.filled[0]);
      for (const key of gone) this.#spec.released?.(this.#kernel, key);
    } catch (error) {
      for (const key of gone) this.failures.push({ key, error: error as Error });
    }
    nextCacheGeneration(this.#epochs);
  }
}
