import { Yielder } from './yielder.js';

/** Work that can be suspended between two objects to let the event loop turn; it has no side effects until it is done. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs the work without a pause. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs the work, yielding to the event loop. */
export async function runYielding<T>(steps: Steps<T>): Promise<T> {
  const yielder = new Yielder();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (yielder.shouldYield()) await yielder.yield();
  }
}
