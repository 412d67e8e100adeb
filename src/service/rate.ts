/** Limits answered requests of each port by a token bucket, which holds those of a second. */

/** Full buckets are dropped from time to time. */
const SWEEP_AT = 4096;

export class Rates {
  readonly #perSecond: number;
  readonly #now: () => number;
  /** Time in milliseconds when the bucket of a port is full again. */
  readonly #fullAt = new Map<number, number>();

  /** @param now reads a monotonic clock in milliseconds */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Takes a token. @returns false if there is none */
  take(ifindex: number): boolean {
    const now = this.#now();
    const interval = 1000 / this.#perSecond;
    const from = Math.max(this.#fullAt.get(ifindex) ?? 0, now);
    if (from - now > 1000 - interval) return false;
    if (this.#fullAt.size >= SWEEP_AT) this.#sweep(now);
    this.#fullAt.set(ifindex, from + interval);
    return true;
  }

  #sweep(now: number): void {
    for (const [ifindex, at] of this.#fullAt) if (at <= now) this.#fullAt.delete(ifindex);
  }
}
