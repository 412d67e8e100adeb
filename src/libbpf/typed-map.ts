/** Maps that speak in values instead of bytes. */
import type { Codec } from './codec.js';
import type { UpdateMode } from './constants.js';
import { LibbpfError } from './errors.js';
import type { BpfMap } from './map.js';
import type { Netns } from './netns.js';

function checkSizes<K, V>(map: BpfMap, key: Codec<K>, value: Codec<V>): void {
  const { keySize, label } = map;
  const valueSize = map.info.valueSize;
  if (keySize === key.SIZE && valueSize === value.SIZE) return;
  throw new LibbpfError({
    code: 'LIBBPF_SIZE',
    operation: `${label}: use with codecs`,
    reason: `it has keys of ${keySize} and values of ${valueSize} bytes, ${key.NAME} is ${key.SIZE}, ${value.NAME} ${value.SIZE}`,
  });
}

function checkPerCpu(map: BpfMap, expected: boolean): void {
  if (map.perCpu === expected) return;
  throw new LibbpfError({
    code: 'LIBBPF_ARGUMENT',
    operation: `${map.label}: use with codecs`,
    reason: `it is a ${map.info.type}: expected ${expected ? 'a per-CPU map, or a TypedMap' : 'a PerCpuMap'}`,
  });
}

/** The common part of both kinds. R is the value of one read or write of a key. */
abstract class CodedMap<K, R> implements Iterable<[key: K, value: R]> {
  readonly map: BpfMap;
  readonly #key: Codec<K>;
  readonly #keyBytes: Buffer;
  readonly #valueBytes: Buffer;

  protected constructor(map: BpfMap, key: Codec<K>) {
    this.map = map;
    this.#key = key;
    this.#keyBytes = Buffer.alloc(map.keySize);
    this.#valueBytes = Buffer.alloc(map.valueSize);
  }

  /** Writes all of a value's bytes: of each CPU, where the map is per CPU. */
  protected abstract write(into: Buffer, offset: number, value: R): void;
  protected abstract read(from: Buffer, offset: number): R;

  get(key: K): R | undefined {
    this.#key.encode(this.#keyBytes, 0, key);
    const found = this.map.lookup(this.#keyBytes, this.#valueBytes);
    return found === undefined ? undefined : this.read(found, 0);
  }

  has(key: K): boolean {
    this.#key.encode(this.#keyBytes, 0, key);
    return this.map.lookup(this.#keyBytes, this.#valueBytes) !== undefined;
  }

  /** @param options of a devmap: the namespace in which its interface numbers count */
  set(key: K, value: R, mode: UpdateMode = 'any', options: { netns?: Netns } = {}): void {
    this.#key.encode(this.#keyBytes, 0, key);
    this.write(this.#valueBytes, 0, value);
    this.map.update(this.#keyBytes, this.#valueBytes, mode, options);
  }

  /** false when it was not there */
  delete(key: K): boolean {
    this.#key.encode(this.#keyBytes, 0, key);
    return this.map.delete(this.#keyBytes);
  }

  *entries(): Generator<[key: K, value: R], void, undefined> {
    const [keys, values] = [this.map.keySize, this.map.valueSize];
    for (const batch of this.map.readBatches()) {
      for (let index = 0; index < batch.count; index++) {
        yield [this.#key.decode(batch.keys, index * keys), this.read(batch.values, index * values)];
      }
    }
  }

  *keys(): Generator<K, void, undefined> {
    for (const key of this.map.keys()) yield this.#key.decode(key, 0);
  }

  *values(): Generator<R, void, undefined> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[key: K, value: R], void, undefined> {
    return this.entries();
  }

  /** Writes many entries in batches. @returns how many */
  setMany(entries: readonly (readonly [key: K, value: R])[], mode: UpdateMode = 'any'): number {
    const [keySize, valueSize] = [this.map.keySize, this.map.valueSize];
    const keys = Buffer.allocUnsafe(entries.length * keySize);
    const values = Buffer.alloc(entries.length * valueSize);
    for (const [index, [key, value]] of entries.entries()) {
      this.#key.encode(keys, index * keySize, key);
      this.write(values, index * valueSize, value);
    }
    return this.map.updateBatch(keys, values, mode);
  }

  /** Removes many entries in batches. @returns how many were there */
  deleteMany(keys: readonly K[]): number {
    const bytes = Buffer.allocUnsafe(keys.length * this.map.keySize);
    for (const [index, key] of keys.entries()) this.#key.encode(bytes, index * this.map.keySize, key);
    return this.map.deleteBatch(bytes);
  }
}

/** A map whose keys and values are values of TypeScript. One buffer for the key and one for the value serve all calls. */
export class TypedMap<K, V> extends CodedMap<K, V> {
  readonly #value: Codec<V>;

  /**
   * @throws LibbpfError LIBBPF_SIZE when the live map's sizes are not the codecs': the object is of another version than the code;
   * LIBBPF_ARGUMENT when it is per CPU (PerCpuMap)
   */
  constructor(map: BpfMap, key: Codec<K>, value: Codec<V>) {
    // With one CPU the sizes could be the same.
    checkPerCpu(map, false);
    checkSizes(map, key, value);
    super(map, key);
    this.#value = value;
  }

  protected write(into: Buffer, offset: number, value: V): void {
    this.#value.encode(into, offset, value);
  }

  protected read(from: Buffer, offset: number): V {
    return this.#value.decode(from, offset);
  }
}

/** A per-CPU map: a key has a value for each possible CPU, in their order. */
export class PerCpuMap<K, V> extends CodedMap<K, V[]> {
  readonly #value: Codec<V>;

  /** @throws LibbpfError LIBBPF_SIZE when the live map's sizes are not the codecs'; LIBBPF_ARGUMENT when it is not per CPU */
  constructor(map: BpfMap, key: Codec<K>, value: Codec<V>) {
    checkPerCpu(map, true);
    checkSizes(map, key, value);
    super(map, key);
    this.#value = value;
  }

  /** CPUs there are values for. */
  get cpus(): number {
    return this.map.valueSize / this.map.cpuStride;
  }

  protected write(into: Buffer, offset: number, values: V[]): void {
    if (values.length !== this.cpus) {
      throw new LibbpfError({
        code: 'LIBBPF_SIZE',
        operation: `${this.map.label}: set`,
        reason: `${values.length} values, expected one for each of ${this.cpus} CPUs`,
      });
    }
    for (const [cpu, value] of values.entries()) this.#value.encode(into, offset + cpu * this.map.cpuStride, value);
  }

  protected read(from: Buffer, offset: number): V[] {
    return Array.from({ length: this.cpus }, (_, cpu) => this.#value.decode(from, offset + cpu * this.map.cpuStride));
  }
}
