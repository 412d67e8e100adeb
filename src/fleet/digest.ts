import { createHash } from 'node:crypto';

/** Bytes of a digest. */
const DIGEST_BYTES = 16;

/**
 * A digest of a set of entities, independent of their order: the XOR of their hashes. Adding or removing an entity takes one hash. It detects
 * accidental differences; certificates protect against forgery.
 */
export class SetDigest {
  readonly #bytes = Buffer.alloc(DIGEST_BYTES);

  constructor(hex = '') {
    this.#bytes.write(hex, 'hex');
  }

  /** Adds or removes an entity. @param value JSON */
  toggle(key: string, value: string | Buffer): void {
    const hash = createHash('sha256').update(key).update('\0').update(value).digest();
    for (let i = 0; i < DIGEST_BYTES; i++) this.#bytes[i] = (this.#bytes[i] ?? 0) ^ (hash[i] ?? 0);
  }

  get hex(): string {
    return this.#bytes.toString('hex');
  }
}
