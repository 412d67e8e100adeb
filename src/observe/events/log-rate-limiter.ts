/** Limits logging of decisions of policies with `log`, and counts the suppressed ones. */
import type { LoggedDecision } from './policy-log-reader.js';

/** Decisions that were not logged, by policy and reason. */
export interface SuppressedDecisions {
  policy: string | null;
  /** Number of a reason. */
  reason: number;
  packets: number;
}

export class LogRateLimiter {
  readonly #rate: number;
  readonly #logged = new Map<string | null, number>();
  readonly #suppressed = new Map<string, SuppressedDecisions>();

  /** @param rate logged decisions of each policy between two calls of take(); 0: unlimited */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Whether to log a decision. */
  admits({ policy, reason, suppressed }: LoggedDecision): boolean {
    // The program does not report the policies of suppressed decisions.
    if (suppressed > 0) this.#count(null, reason, suppressed);
    const logged = (this.#logged.get(policy) ?? 0) + 1;
    this.#logged.set(policy, logged);
    if (this.#rate === 0 || logged <= this.#rate) return true;
    this.#count(policy, reason, 1);
    return false;
  }

  /** Returns and resets the counts of suppressed decisions, by policy. */
  take(): SuppressedDecisions[] {
    const taken = [...this.#suppressed.values()];
    this.#logged.clear();
    this.#suppressed.clear();
    return taken;
  }

  #count(policy: string | null, reason: number, packets: number): void {
    const key = `${reason} ${policy ?? ''}`;
    const before = this.#suppressed.get(key)?.packets ?? 0;
    this.#suppressed.set(key, { policy, reason, packets: before + packets });
  }
}
