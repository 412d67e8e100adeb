/** Bounds what is told of the decisions of policies with `log`, and counts what is not. */
import type { LoggedDecision } from './policy-log-reader.js';

/** Decisions that were not told, by policy and reason. */
export interface SuppressedDecisions {
  policy: string | null;
  /** Number of a reason. */
  reason: number;
  packets: number;
}

export class LogRateLimiter {
  readonly #rate: number;
  readonly #told = new Map<string | null, number>();
  readonly #suppressed = new Map<string, SuppressedDecisions>();

  /** @param rate decisions of each policy that are told between two take(); 0: all */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Whether it is to be told. */
  admits({ policy, reason, suppressed }: LoggedDecision): boolean {
    // Of which policies these were the program does not say.
    if (suppressed > 0) this.#count(null, reason, suppressed);
    const told = (this.#told.get(policy) ?? 0) + 1;
    this.#told.set(policy, told);
    if (this.#rate === 0 || told <= this.#rate) return true;
    this.#count(policy, reason, 1);
    return false;
  }

  /** What was not told since the last time. */
  take(): SuppressedDecisions[] {
    const taken = [...this.#suppressed.values()];
    this.#told.clear();
    this.#suppressed.clear();
    return taken;
  }

  #count(policy: string | null, reason: number, packets: number): void {
    const key = `${reason} ${policy ?? ''}`;
    const before = this.#suppressed.get(key)?.packets ?? 0;
    this.#suppressed.set(key, { policy, reason, packets: before + packets });
  }
}
