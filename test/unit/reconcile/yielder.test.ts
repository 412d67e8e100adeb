import { expect, it } from 'vitest';
import { Yielder, MAX_HOLD_MS } from '../../../src/reconcile/yielder.js';

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('is due only once the loop was held up long enough, and not again after it turned', async () => {
  const yielder = new Yielder();
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  hold(2 * MAX_HOLD_MS);
  // The clock is not asked at each object.
  let walked = 1;
  while (!yielder.shouldYield()) walked += 1;
  expect(walked).toBeGreaterThan(10);
  expect(walked).toBeLessThan(10_000);
  expect(turned).toBe(false);
  await yielder.yield();
  expect(turned).toBe(true);
  expect(yielder.isOverBudget()).toBe(false);
});
