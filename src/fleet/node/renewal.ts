/** Keeps a node's certificate from ending: the next one is asked for well before. */
import { X509Certificate } from 'node:crypto';
import { readRegularFile } from '../../intent/regular-file.js';

/** The part of a certificate's lifetime after which the next one is asked for; nodes that were enrolled at once do not come at once. */
const RENEW_FROM = 0.6;
const RENEW_UNTIL = 0.7;
/** Between attempts: a part of what is left, within these bounds, milliseconds. */
const RETRY_PART = 0.1;
const MIN_RETRY_MS = 10_000;
const MAX_RETRY_MS = 3_600_000;
/** How often the file is looked at, which an operator may have replaced, milliseconds. */
const LOOK_MS = 3_600_000;

export interface RenewalOptions {
  /** PEM file. */
  certificate: string;
  /** Asks a feed. @throws Error that says why there is no next one */
  renew: () => Promise<X509Certificate>;
  /** There is a new one. */
  renewed: (certificate: X509Certificate) => void;
  /** There is none, and why. */
  failed: (why: string) => void;
}

/** When the next certificate is to be asked for, milliseconds since 1970. @param chance 0 to 1 */
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
      // Without a certificate the node is to enroll, which its connection says.
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
