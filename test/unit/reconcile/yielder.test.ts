import { expect, it } from 'vitest';
import { Yielder, MAX_HOLD_MS } from '../../../src/reconcile/yielder.js';

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('shouldYield() is true once the event loop is blocked too long, and the budget restarts after a yield', async () => {
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
