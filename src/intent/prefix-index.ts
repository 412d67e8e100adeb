/** An index of prefixes: finds those that contain an address or another prefix. */
import type { Prefix } from 'netlink-ts/inet';

/** Prefixes of one length up to which a linear search is faster than a hash. */
const MAX_LINEAR = 8;

/** The first `length` bits as a string, for comparison. */
function maskedKey(bytes: Uint8Array, length: number): string {
  let key = '';
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) key += String.fromCharCode(bytes[i] ?? 0);
  const rest = length & 7;
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & (0xff << (8 - rest)));
}

function sameBits(a: Uint8Array, b: Uint8Array, length: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = length & 7;
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff << (8 - rest)) & 0xff) === 0;
}

/** The prefixes of one length. */
class Level<T> {
  readonly length: number;
  readonly #entries: { bytes: Uint8Array; value: T }[] = [];
  #byKey: Map<string, T> | undefined;

  constructor(length: number) {
    this.length = length;
  }

  /** Adds a prefix; the first of two equal ones is kept. */
  add(bytes: Uint8Array, value: T): void {
    if (this.get(bytes) !== undefined) return;
    this.#entries.push({ bytes, value });
    if (this.#byKey) this.#byKey.set(maskedKey(bytes, this.length), value);
    else if (this.#entries.length > MAX_LINEAR) {
      this.#byKey = new Map(this.#entries.map((entry) => [maskedKey(entry.bytes, this.length), entry.value]));
    }
  }

  get(bytes: Uint8Array): T | undefined {
    if (this.#byKey) return this.#byKey.get(maskedKey(bytes, this.length));
    for (const entry of this.#entries) if (sameBits(entry.bytes, bytes, this.length)) return entry.value;
    return undefined;
  }
}

export class PrefixIndex<T> {
  /** By family, with ascending lengths, so that covering() yields the shortest first. */
  readonly #levels: Record<4 | 6, Level<T>[]> = { 4: [], 6: [] };

  /** Adds a prefix; the first of two equal ones is kept. */
  add(prefix: Prefix, value: T): void {
    const levels = this.#levels[prefix.family];
    let at = levels.findIndex(({ length }) => length >= prefix.length);
    if (at < 0) at = levels.length;
    let level = levels[at];
    if (level?.length !== prefix.length) {
      level = new Level(prefix.length);
      levels.splice(at, 0, level);
    }
    level.add(prefix.bytes, value);
  }

  /**
   * Yields the values of all prefixes that contain the first `length` bits, shortest prefix first.
   *
   * @param bytes 4 or 16 bytes, which determine the family
   */
  *covering(bytes: Uint8Array, length = bytes.length * 8): Generator<T> {
    for (const level of this.#levels[bytes.length === 4 ? 4 : 6]) {
      if (level.length > length) return;
      const value = level.get(bytes);
      if (value !== undefined) yield value;
    }
  }

  /** The value of the shortest prefix that contains the address; undefined if none does. */
  cover(bytes: Uint8Array): T | undefined {
    for (const level of this.#levels[bytes.length === 4 ? 4 : 6]) {
      const value = level.get(bytes);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
