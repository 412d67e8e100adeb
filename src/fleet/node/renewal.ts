/** Renews a node's certificate well before it expires. */
import { X509Certificate } from 'node:crypto';
import { readRegularFile } from '../../intent/regular-file.js';

/**
 * Fraction of a certificate's lifetime after which it is renewed, at a random time, so that nodes that were enrolled together do not renew
 * together.
 */
const RENEW_FROM = 0.6;
const RENEW_UNTIL = 0.7;
/** Pause between attempts: a fraction of the remaining lifetime, within these bounds, in milliseconds. */
const RETRY_PART = 0.1;
const MIN_RETRY_MS = 10_000;
const MAX_RETRY_MS = 3_600_000;
/** Interval of checking the file, which an operator may have replaced, in milliseconds. */
const LOOK_MS = 3_600_000;

export interface RenewalOptions {
  /** PEM file. */
  certificate: string;
  /** Requests a certificate from a feed. @throws Error that says why none was issued */
  renew: () => Promise<X509Certificate>;
  /** Called with a new certificate. */
  renewed: (certificate: X509Certificate) => void;
  /** Called with the reason if renewing failed. */
  failed: (why: string) => void;
}

/** When to renew a certificate, in milliseconds since 1970. @param chance random number from 0 to 1 */
function renewalTime({ validFrom, validTo }: X509Certificate, chance: number): number {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return from + (to - from) * (RENEW_FROM + (RENEW_UNTIL - RENEW_FROM) * chance);
}

export class Renewal {
  readonly #options: RenewalOptions;
  readonly #chance = Math.random();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #plan(leastMs = 0): void {
    let due = Date.now() + LOOK_MS;
    try {
      due = Math.min(due, renewalTime(new X509Certificate(readRegularFile(this.#options.certificate)), this.#chance));
    } catch {
      // Without a certificate the node must enroll, which its connection reports.
    }
    this.#after(Math.max(due - Date.now(), leastMs));
  }

  #after(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#look();
    }, ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    let endMs: number;
    try {
      const certificate = new X509Certificate(readRegularFile(this.#options.certificate));
      if (renewalTime(certificate, this.#chance) > Date.now()) return this.#plan();
      endMs = Date.parse(certificate.validTo);
    } catch {
      return this.#after(LOOK_MS);
    }
    try {
      const certificate = await this.#options.renew();
      if (this.#isClosed) return;
      this.#options.renewed(certificate);
      this.#plan(MIN_RETRY_MS);
    } catch (error) {
      if (this.#isClosed) return;
      this.#options.failed((error as Error).message);
      const left = Math.max(endMs - Date.now(), 0) * RETRY_PART;
      this.#after(Math.min(Math.max(left, MIN_RETRY_MS), MAX_RETRY_MS));
    }
  }
}
