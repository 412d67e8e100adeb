import { Breath } from '../reconcile/breath.js';
import type { BpfMap } from '../libbpf/index.js';

const WORD_BYTES = 4;
const FIRST_ENTRIES = 65_536;
/** Fractional part of the golden ratio: spreads what differs in few bits (Knuth, The Art of Computer Programming 6.4). */
const GOLDEN = 0x9e3779b1;

/**
 * A map as it was: all entries as bytes, and an index over the keys. A million entries of 32 bytes take 40 MB outside of V8's heap; to
 * look an entry up costs a tenth of a system call.
 */
export class MapSnapshot {
  readonly #keyWords: number;
  readonly #valueWords: number;
  #keys: Uint32Array;
  #values: Uint32Array;
  #count = 0;
  /** Entry + 1 by hash, with linear probing; 0: none. */
  #slots = new Uint32Array(0);
  #asked = new Uint8Array(0);

  private constructor(map: BpfMap) {
    this.#keyWords = map.keySize / WORD_BYTES;
    this.#valueWords = map.valueSize / WORD_BYTES;
    if (!Number.isInteger(this.#keyWords) || !Number.isInteger(this.#valueWords)) {
      throw new Error(`${map.label}: keys of ${map.keySize} bytes, values of ${map.valueSize}: expected whole words`);
    }
    this.#keys = new Uint32Array(FIRST_ENTRIES * this.#keyWords);
    this.#values = new Uint32Array(FIRST_ENTRIES * this.#valueWords);
  }

  /** Reads a map that nobody else writes. The event loop turns meanwhile. @throws LibbpfError */
  static async of(map: BpfMap): Promise<MapSnapshot> {
    const snapshot = new MapSnapshot(map);
    const breath = new Breath();
    for (const { count, keys, values } of map.readBatches()) {
      snapshot.#add(count, keys, values);
      if (breath.isOver()) await breath.take();
    }
    await snapshot.#index(breath);
    return snapshot;
  }

  get size(): number {
    return this.#count;
  }

  /** The entry with a key, -1 when there is none. Who asks for it has asked: `unasked` leaves it out. */
  find(key: Uint32Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(key, 0, this.#keyWords) & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return -1;
      if (!same(this.#keys, entry * this.#keyWords, key, this.#keyWords)) continue;
      this.#asked[entry] = 1;
      return entry;
    }
  }

  hasValue(entry: number, value: Uint32Array): boolean {
    return same(this.#values, entry * this.#valueWords, value, this.#valueWords);
  }

  /** Every entry that was not found, or not looked for. */
  *unasked(): Generator<number, void, undefined> {
    for (let entry = 0; entry < this.#count; entry++) if (this.#asked[entry] === 0) yield entry;
  }

  /** An entry's bytes. */
  bytes(entry: number): { keys: Buffer; keyAt: number; values: Buffer; valueAt: number } {
    return {
      keys: bytesOf(this.#keys),
      keyAt: entry * this.#keyWords * WORD_BYTES,
      values: bytesOf(this.#values),
      valueAt: entry * this.#valueWords * WORD_BYTES,
    };
  }

  #add(count: number, keys: Buffer, values: Buffer): void {
    const wanted = this.#count + count;
    if (wanted * this.#keyWords > this.#keys.length) {
      const entries = Math.max(wanted, (this.#keys.length / this.#keyWords) * 2);
      this.#keys = grown(this.#keys, entries * this.#keyWords);
      this.#values = grown(this.#values, entries * this.#valueWords);
    }
    const keyBytes = this.#keyWords * WORD_BYTES;
    const valueBytes = this.#valueWords * WORD_BYTES;
    keys.copy(bytesOf(this.#keys), this.#count * keyBytes, 0, count * keyBytes);
    values.copy(bytesOf(this.#values), this.#count * valueBytes, 0, count * valueBytes);
    this.#count = wanted;
  }

  async #index(breath: Breath): Promise<void> {
    let size = 2;
    while (size < 2 * this.#count) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#asked = new Uint8Array(this.#count);
    for (let entry = 0; entry < this.#count; entry++) {
      if (breath.isDue()) await breath.take();
      let slot = hash(this.#keys, entry * this.#keyWords, this.#keyWords) & (size - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = entry + 1;
    }
  }
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

function grown(words: Uint32Array, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(words);
  return larger;
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
