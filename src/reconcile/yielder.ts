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
 *       if (yielder.shouldYield()) await yielder.yield();
 */
export class Yielder {
  #since = performance.now();
  #walked = 0;

  shouldYield(): boolean {
    this.#walked += 1;
    return (this.#walked & (LOOK_EVERY - 1)) === 0 && this.isOverBudget();
  }

  /** The same for walks in large steps. */
  isOverBudget(): boolean {
    return performance.now() - this.#since > MAX_HOLD_MS;
  }

  async yield(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}
