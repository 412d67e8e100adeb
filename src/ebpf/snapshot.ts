import { Yielder } from '../reconcile/yielder.js';
import type { BpfMap } from 'libbpf-ts';

const WORD_BYTES = 4;
const FIRST_ENTRIES = 65_536;
/** Fractional part of the golden ratio: disperses values that differ in few bits (Knuth, The Art of Computer Programming, 6.4). */
const GOLDEN = 0x9e3779b1;
/** Bit of a slot: its entry was requested. */
const ASKED = 0x8000_0000;
const ENTRY = 0x7fff_ffff;

/**
 * A snapshot of a map: all entries as bytes, with an index of the keys. A million entries of 32 bytes take 40 MB outside V8's heap; a lookup costs
 * a tenth of a system call. Key and value are adjacent, because cache misses dominate the cost.
 */
export class MapSnapshot {
  readonly #keyWords: number;
  readonly #words: number;
  #entries: Uint32Array;
  #count = 0;
  /** Entry + 1 by hash, with linear probing; 0: free. */
  #slots = new Uint32Array(0);

  private constructor(map: BpfMap) {
    this.#keyWords = map.keySize / WORD_BYTES;
    this.#words = (map.keySize + map.valueSize) / WORD_BYTES;
    if (!Number.isInteger(this.#keyWords) || !Number.isInteger(this.#words)) {
      throw new Error(`${map.label}: keys of ${map.keySize} bytes, values of ${map.valueSize}: expected whole words`);
    }
    this.#entries = new Uint32Array(FIRST_ENTRIES * this.#words);
  }

  /** Reads a map that no other process writes; yields to the event loop. @throws LibbpfError */
  static async of(map: BpfMap): Promise<MapSnapshot> {
    const snapshot = new MapSnapshot(map);
    const yielder = new Yielder();
    for (const { count, keys, values } of map.readBatches()) {
      snapshot.#add(count, keys, values);
      if (yielder.isOverBudget()) await yielder.yield();
    }
    await snapshot.#index(yielder);
    return snapshot;
  }

  get size(): number {
    return this.#count;
  }

  /** The index of the entry with a key, or -1. Marks the entry as requested, which excludes it from `unasked`. */
  find(key: Uint32Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(key, 0, this.#keyWords) & mask; ; slot = (slot + 1) & mask) {
      const held = this.#slots[slot] ?? 0;
      if (held === 0) return -1;
      const entry = (held & ENTRY) - 1;
      if (!same(this.#entries, entry * this.#words, key, this.#keyWords)) continue;
      this.#slots[slot] = held | ASKED;
      return entry;
    }
  }

  hasValue(entry: number, value: Uint32Array): boolean {
    return same(this.#entries, entry * this.#words + this.#keyWords, value, this.#words - this.#keyWords);
  }

  /** Entries that were never found by a key. */
  *unasked(): Generator<number, void, undefined> {
    for (const held of this.#slots) if (held !== 0 && held <= ENTRY) yield held - 1;
  }

  /** An entry's bytes. */
  bytes(entry: number): { keys: Buffer; keyAt: number; values: Buffer; valueAt: number } {
    const bytes = Buffer.from(this.#entries.buffer);
    const keyAt = entry * this.#words * WORD_BYTES;
    return { keys: bytes, keyAt, values: bytes, valueAt: keyAt + this.#keyWords * WORD_BYTES };
  }

  #add(count: number, keys: Buffer, values: Buffer): void {
    const room = this.#entries.length / this.#words;
    if (this.#count + count > room) {
      const larger = new Uint32Array(Math.max(this.#count + count, 2 * room) * this.#words);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const from = { keys: wordsOf(keys), values: wordsOf(values) };
    const valueWords = this.#words - this.#keyWords;
    let at = this.#count * this.#words;
    for (let entry = 0; entry < count; entry++) {
      const key = entry * this.#keyWords;
      for (let word = 0; word < this.#keyWords; word++) this.#entries[at++] = from.keys[key + word] ?? 0;
      const value = entry * valueWords;
      for (let word = 0; word < valueWords; word++) this.#entries[at++] = from.values[value + word] ?? 0;
    }
    this.#count += count;
  }

  async #index(yielder: Yielder): Promise<void> {
    let size = 2;
    while (size < 2 * this.#count) size *= 2;
    this.#slots = new Uint32Array(size);
    for (let entry = 0; entry < this.#count; entry++) {
      if (yielder.shouldYield()) await yielder.yield();
      let slot = hash(this.#entries, entry * this.#words, this.#keyWords) & (size - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = entry + 1;
    }
  }
}

/** Views bytes as 32-bit words. They must be aligned: Buffer's pool is cut at multiples of 8. */
export function wordsOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / WORD_BYTES);
}

function hash(words: Uint32Array, at: number, count: number): number {
  let value = 0;
  for (let word = at; word < at + count; word++) {
    value = Math.imul(value ^ (words[word] ?? 0), GOLDEN);
    value ^= value >>> 15;
  }
  return value;
}

function same(words: Uint32Array, at: number, others: Uint32Array, count: number): boolean {
  for (let word = 0; word < count; word++) if (words[at + word] !== others[word]) return false;
  return true;
}
