import { busy } from './problem.js';

/** Requests that wait for their turn; further ones are refused. */
const MAX_WAITING = 32;

/** One walk over the kernel's state at a time. Who writes to a slow reader lets others pass meanwhile. */
export class Turns {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param isUnderWay a walk that goes on after it let others pass
   * @throws Problem (503) while too many wait
   */
  async take(isUnderWay = false): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      return;
    }
    if (!isUnderWay && this.#waiting.length >= MAX_WAITING) {
      throw busy('too-many-requests', `${MAX_WAITING} requests wait already: expected fewer at a time`);
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }

  /** Runs a walk that is done at one go. @throws Problem (503) */
  async run<T>(walk: () => T | Promise<T>): Promise<T> {
    await this.take();
    try {
      return await walk();
    } finally {
      this.give();
    }
  }
}
