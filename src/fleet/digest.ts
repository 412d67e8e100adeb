import { createHash } from 'node:crypto';

/** Bytes of a digest. */
const DIGEST_BYTES = 16;

/**
 * Digest of a set of entities, whatever their order: the exclusive or of their hashes. One that comes or goes costs one hash. It finds what went
 * missing by mistake; against forgery there are certificates.
 */
export class SetDigest {
  readonly #bytes = Buffer.alloc(DIGEST_BYTES);

  constructor(hex = '') {
    this.#bytes.write(hex, 'hex');
  }

  /** Puts an entity in, or takes it out. @param value JSON */
  toggle(key: string, value: string | Buffer): void {
    const hash = createHash('sha256').update(key).update('\0').update(value).digest();
    for (let i = 0; i < DIGEST_BYTES; i++) this.#bytes[i] = (this.#bytes[i] ?? 0) ^ (hash[i] ?? 0);
  }

  get hex(): string {
    return this.#bytes.toString('hex');
  }
}
