import { Yielder } from './yielder.js';

/** Work that stands still between two objects, so that somebody else may have the thread; without side effects until it is done. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Does the work in one go. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work and lets the event loop turn meanwhile. */
export async function runYielding<T>(steps: Steps<T>): Promise<T> {
  const yielder = new Yielder();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (yielder.shouldYield()) await yielder.yield();
  }
}
