/** Tracks how far the agent has carried out the feed's changes, and how long that took. */
import { newLatency, observeStamps } from '../status/latency.js';
import type { IntentProgress } from '../../intent/source.js';
import type { Latency } from '../status/latency.js';

/** When a change was committed, and when the feed received it, in milliseconds since 1970. */
export interface FedStamps {
  writtenMs: number;
  fedMs: number;
}

export class ProgressTracker {
  readonly latency: Latency = newLatency();
  /** Changes that are not carried out yet, in order of arrival, each with the preceding sequence. */
  readonly #outstanding = new Set<{ before: number }>();

  /**
   * Starts tracking a change that is given to the agent.
   *
   * @param before the preceding sequence
   * @param fed absent if it was not a single change, which is not measured
   */
  begin(before: number, fed?: FedStamps): IntentProgress {
    const receivedMs = Date.now();
    const entry = { before };
    this.#outstanding.add(entry);
    let plannedMs = receivedMs;
    return (stage) => {
      if (stage === 'planned') plannedMs = Date.now();
      else if (this.#outstanding.delete(entry) && fed !== undefined)
        observeStamps(this.latency, { ...fed, receivedMs, plannedMs, appliedMs: Date.now() });
    };
  }

  /** The sequence up to which everything is carried out, at most `received`. */
  applied(received: number): number {
    const [oldest] = this.#outstanding;
    return oldest?.before ?? received;
  }
}
