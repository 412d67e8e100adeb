import { busy } from './problem.js';

/** Requests that may wait for a turn; more are refused. */
const MAX_WAITING = 32;

/** Lets one walk over the kernel's state run at a time. A walk with a slow reader releases its turn meanwhile. */
export class Turns {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param isUnderWay set for a walk that continues after releasing its turn
   * @throws Problem (503) while too many wait
   */
  async take(isUnderWay = false): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      return;
    }
    if (!isUnderWay && this.#waiting.length >= MAX_WAITING) {
      throw busy('too-many-requests', `${MAX_WAITING} requests are waiting: expected fewer at a time`);
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }

  /**
   * Runs a walk that does not release its turn.
   *
   * @param isWanted asked when the turn comes: a client may have disconnected while it waited
   * @throws Problem (503)
   */
  async run<T>(walk: () => T | Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
    await this.take();
    try {
      if (!isWanted()) throw busy('timeout', 'the client disconnected before its turn');
      return await walk();
    } finally {
      this.give();
    }
  }
}
