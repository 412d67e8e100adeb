/** What generated codecs are made of, and maps that speak in values instead of bytes. */
import { checkBytes, LibbpfError } from './errors.js';
import type { UpdateMode } from './constants.js';
import type { BpfMap } from './map.js';

/** Bytes of a C type and values of a TypeScript type, one into the other. */
export interface Codec<T> {
  /** as in C: "struct endpoint" */
  readonly NAME: string;
  /** bytes */
  readonly SIZE: number;
  /** Writes SIZE bytes, padding as zeros. @throws RangeError for a number out of range; LibbpfError LIBBPF_SIZE for bytes of another length */
  encode(into: Buffer, offset: number, value: T): void;
  /** The value; what it holds is a copy. */
  decode(from: Buffer, offset: number): T;
}

/** Writes bytes that must have exactly the length of their field. */
export function putBytes(into: Buffer, offset: number, value: Uint8Array, size: number, field: string): void {
  checkBytes(value, size, `encode ${field}`, 'the value');
  into.set(value, offset);
}

const LOOP_BYTES_MAX = 32;

/** A copy of a field's bytes. */
export function getBytes(from: Buffer, offset: number, size: number): Buffer {
  if (!(offset >= 0 && offset + size <= from.length))
    throw new RangeError(`${size} bytes at ${offset} of ${from.length}`);
  const bytes = Buffer.allocUnsafe(size);
  // Addresses are short: a call into C++ costs more than they do.
  if (size > LOOP_BYTES_MAX) from.copy(bytes, 0, offset, offset + size);
  else for (let at = 0; at < size; at++) bytes[at] = from[offset + at] ?? 0;
  return bytes;
}

/** Refuses an array of another length than C's. */
export function checkLength(value: readonly unknown[], length: number, field: string): void {
  if (value.length === length) return;
  throw new LibbpfError({
    code: 'LIBBPF_SIZE',
    operation: `encode ${field}`,
    reason: `${value.length} elements, expected ${length}`,
  });
}

/** __u32, the key of arrays and devmaps, in the machine's order. */
export const U32: Codec<number> = {
  NAME: '__u32',
  SIZE: 4,
  encode: (into, offset, value) => void into.writeUInt32LE(value, offset),
  decode: (from, offset) => from.readUInt32LE(offset),
};

/** __u64 */
export const U64: Codec<bigint> = {
  NAME: '__u64',
  SIZE: 8,
  encode: (into, offset, value) => void into.writeBigUInt64LE(value, offset),
  decode: (from, offset) => from.readBigUInt64LE(offset),
};

/**
 * A map whose keys and values are values of TypeScript. Not for per-CPU maps: those are read with cpuValues() and a codec.
 * One buffer for the key and one for the value serve all calls.
 */
export class TypedMap<K, V> {
  readonly map: BpfMap;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;
  readonly #keyBytes: Buffer;
  readonly #valueBytes: Buffer;

  /** @throws LibbpfError LIBBPF_SIZE when the live map's sizes are not the codecs': the object is of another version than the code */
  constructor(map: BpfMap, key: Codec<K>, value: Codec<V>) {
    const { keySize, valueSize, label } = map;
    if (keySize !== key.SIZE || valueSize !== value.SIZE) {
      throw new LibbpfError({
        code: 'LIBBPF_SIZE',
        operation: `${label}: use with codecs`,
        reason: `it has keys of ${keySize} and values of ${valueSize} bytes, ${key.NAME} is ${key.SIZE}, ${value.NAME} ${value.SIZE}`,
      });
    }
    this.map = map;
    this.#key = key;
    this.#value = value;
    this.#keyBytes = Buffer.alloc(keySize);
    this.#valueBytes = Buffer.alloc(valueSize);
  }

  get(key: K): V | undefined {
    this.#key.encode(this.#keyBytes, 0, key);
    const found = this.map.lookup(this.#keyBytes, this.#valueBytes);
    return found === undefined ? undefined : this.#value.decode(found, 0);
  }

  set(key: K, value: V, mode: UpdateMode = 'any'): void {
    this.#key.encode(this.#keyBytes, 0, key);
    this.#value.encode(this.#valueBytes, 0, value);
    this.map.update(this.#keyBytes, this.#valueBytes, mode);
  }

  /** false when it was not there */
  delete(key: K): boolean {
    this.#key.encode(this.#keyBytes, 0, key);
    return this.map.delete(this.#keyBytes);
  }

  *entries(): Generator<[key: K, value: V], void, undefined> {
    const [keys, values] = [this.#key.SIZE, this.#value.SIZE];
    for (const batch of this.map.readBatches()) {
      for (let index = 0; index < batch.count; index++) {
        yield [this.#key.decode(batch.keys, index * keys), this.#value.decode(batch.values, index * values)];
      }
    }
  }

  /** Writes many entries in batches. @returns how many */
  setMany(entries: readonly (readonly [key: K, value: V])[], mode: UpdateMode = 'any'): number {
    const keys = Buffer.allocUnsafe(entries.length * this.#key.SIZE);
    const values = Buffer.allocUnsafe(entries.length * this.#value.SIZE);
    for (const [index, [key, value]] of entries.entries()) {
      this.#key.encode(keys, index * this.#key.SIZE, key);
      this.#value.encode(values, index * this.#value.SIZE, value);
    }
    return this.map.updateBatch(keys, values, mode);
  }

  /** Removes many entries in batches. @returns how many were there */
  deleteMany(keys: readonly K[]): number {
    const bytes = Buffer.allocUnsafe(keys.length * this.#key.SIZE);
    for (const [index, key] of keys.entries()) this.#key.encode(bytes, index * this.#key.SIZE, key);
    return this.map.deleteBatch(bytes);
  }
}
