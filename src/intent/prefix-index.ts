/** Prefixes by content: which of them cover an address or another prefix. One hash look-up a length in use. */
import type { Prefix } from '../net/prefix.js';

/** The first `length` bits as a string that is equal when they are. */
function maskedKey(bytes: Uint8Array, length: number): string {
  let key = '';
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) key += String.fromCharCode(bytes[i] ?? 0);
  const rest = length & 7;
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & (0xff << (8 - rest)));
}

export class PrefixIndex<T> {
  /** By family and length in bits; lengths ascending, so that covering() yields the shortest first. */
  readonly #lengths: Record<4 | 6, { length: number; byKey: Map<string, T> }[]> = { 4: [], 6: [] };

  /** Adds a prefix; of two equal ones the first stays. */
  add(prefix: Prefix, value: T): void {
    const lengths = this.#lengths[prefix.family];
    let at = lengths.findIndex(({ length }) => length >= prefix.length);
    if (at < 0) at = lengths.length;
    let entry = lengths[at];
    if (entry?.length !== prefix.length) {
      entry = { length: prefix.length, byKey: new Map() };
      lengths.splice(at, 0, entry);
    }
    const key = maskedKey(prefix.bytes, prefix.length);
    if (!entry.byKey.has(key)) entry.byKey.set(key, value);
  }

  /**
   * The values of all prefixes that contain the first `length` bits, shortest prefix first.
   * @param bytes 4 or 16 bytes; the family follows from them
   */
  *covering(bytes: Uint8Array, length = bytes.length * 8): Generator<T> {
    for (const entry of this.#lengths[bytes.length === 4 ? 4 : 6]) {
      if (entry.length > length) return;
      const value = entry.byKey.get(maskedKey(bytes, entry.length));
      if (value !== undefined) yield value;
    }
  }

  /** The value of the shortest prefix that contains the address, undefined when none does. */
  cover(bytes: Uint8Array): T | undefined {
    for (const entry of this.#lengths[bytes.length === 4 ? 4 : 6]) {
      const value = entry.byKey.get(maskedKey(bytes, entry.length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
