/** How far the agent is with what the feed told, and how long that took. */
import { newLatency, observeStamps } from '../status/latency.js';
import type { IntentProgress } from '../../intent/source.js';
import type { Latency } from '../status/latency.js';

/** When a change was committed, and when the feed had it, milliseconds since 1970. */
export interface FedStamps {
  writtenMs: number;
  fedMs: number;
}

export class ProgressTracker {
  readonly latency: Latency = newLatency();
  /** What is not carried out yet, in the order in which it came; each with the sequence before it. */
  readonly #outstanding = new Set<{ before: number }>();

  /**
   * Something goes to the agent.
   *
   * @param before the sequence before it
   * @param fed absent: what came was not one change, and is not measured
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

  /** The sequence up to which all is carried out, of those up to the one that was received. */
  applied(received: number): number {
    const [oldest] = this.#outstanding;
    return oldest?.before ?? received;
  }
}
