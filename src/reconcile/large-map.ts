/** Maps and sets for millions of entries that do not block the thread as they grow. */

/** Entries up to which a single Map is used: V8 copies it within two milliseconds. */
const SMALL_ENTRIES = 8192;
/** A power of two: with ten million entries each table has 40,000. */
const TABLES = 256;
/** Characters hashed from a key's end: the longest UUID, address or name that distinguishes keys. */
const HASHED_CHARACTERS = 64;

function tableOf(key: string): number {
  let hash = key.length;
  for (let at = Math.max(0, hash - HASHED_CHARACTERS), end = key.length; at < end; at++) {
    hash = Math.imul(hash, 31) + key.charCodeAt(at);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) & (TABLES - 1);
}

/**
 * A map with text keys that grows in bounded steps: V8 copies a Map whenever it doubles, a million entries in 170 ms. Beyond SMALL_ENTRIES it
 * consists of many tables, which are copied one at a time. Insertion order is kept only below that size. No key may be added while entries are
 * iterated.
 */
export class LargeMap<V> extends Map<string, V> {
  #tables: Map<string, V>[] | undefined;
  #size = 0;

  override get size(): number {
    return this.#tables === undefined ? super.size : this.#size;
  }

  /** Entries of the largest table, the most that are copied at once. */
  get largestTable(): number {
    return Math.max(super.size, ...(this.#tables ?? []).map(({ size }) => size));
  }

  override get(key: string): V | undefined {
    return this.#tables === undefined ? super.get(key) : this.#tables[tableOf(key)]?.get(key);
  }

  override has(key: string): boolean {
    return this.#tables === undefined ? super.has(key) : this.#tables[tableOf(key)]?.has(key) === true;
  }

  override set(key: string, value: V): this {
    if (this.#tables === undefined) {
      super.set(key, value);
      if (super.size > SMALL_ENTRIES) this.#split();
      return this;
    }
    const table = this.#tables[tableOf(key)];
    if (table === undefined) return this;
    const { size } = table;
    table.set(key, value);
    this.#size += table.size - size;
    return this;
  }

  override delete(key: string): boolean {
    if (this.#tables === undefined) return super.delete(key);
    const isGone = this.#tables[tableOf(key)]?.delete(key) === true;
    if (isGone) this.#size -= 1;
    return isGone;
  }

  override clear(): void {
    super.clear();
    this.#tables = undefined;
    this.#size = 0;
  }

  override entries(): MapIterator<[string, V]> {
    return this.#tables === undefined ? super.entries() : walk(this.#tables, (table) => table.entries());
  }

  override keys(): MapIterator<string> {
    return this.#tables === undefined ? super.keys() : walk(this.#tables, (table) => table.keys());
  }

  override values(): MapIterator<V> {
    return this.#tables === undefined ? super.values() : walk(this.#tables, (table) => table.values());
  }

  override [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  override forEach(use: (value: V, key: string, map: Map<string, V>) => void): void {
    for (const [key, value] of this) use(value, key, this);
  }

  #split(): void {
    const tables = Array.from({ length: TABLES }, () => new Map<string, V>());
    for (const [key, value] of super.entries()) tables[tableOf(key)]?.set(key, value);
    this.#size = super.size;
    super.clear();
    this.#tables = tables;
  }
}

function* walk<V, T>(tables: readonly Map<string, V>[], of: (table: Map<string, V>) => MapIterator<T>): MapIterator<T> {
  for (const table of tables) yield* of(table);
}
