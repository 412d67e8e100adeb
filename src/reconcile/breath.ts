import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** How long a walk over many objects may hold the event loop up, milliseconds. */
export const MAX_HOLD_MS = 10;
/** How often the clock is looked at, objects: a power of two. */
const LOOK_EVERY = 256;

/**
 * Lets the event loop turn in a walk over up to millions of objects, and costs next to nothing where there are few:
 *
 *     for (const object of objects) {
 *       if (breath.isDue()) await breath.take();
 */
export class Breath {
  #since = performance.now();
  #walked = 0;

  isDue(): boolean {
    this.#walked += 1;
    return (this.#walked & (LOOK_EVERY - 1)) === 0 && this.isOver();
  }

  /** The same for walks in large steps. */
  isOver(): boolean {
    return performance.now() - this.#since > MAX_HOLD_MS;
  }

  async take(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}
