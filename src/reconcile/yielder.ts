import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** Longest time that a loop over many objects may block the event loop, in milliseconds; V8's garbage collector comes on top. */
export const MAX_HOLD_MS = 5;
/** Objects between two looks at the clock, a power of two. */
const LOOK_EVERY = 256;

/**
 * Yields to the event loop in a loop over up to millions of objects; costs next to nothing for a few:
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

  /** The check for loops with large steps: reads the clock each time. */
  isOverBudget(): boolean {
    return performance.now() - this.#since > MAX_HOLD_MS;
  }

  async yield(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}
