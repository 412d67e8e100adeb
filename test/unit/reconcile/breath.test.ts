import { expect, it } from 'vitest';
import { Breath, MAX_HOLD_MS } from '../../../src/reconcile/breath.js';

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('is due only once the loop was held up long enough, and not again after it turned', async () => {
  const breath = new Breath();
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  hold(2 * MAX_HOLD_MS);
  // The clock is not asked at each object.
  let walked = 1;
  while (!breath.isDue()) walked += 1;
  expect(walked).toBeGreaterThan(10);
  expect(walked).toBeLessThan(10_000);
  expect(turned).toBe(false);
  await breath.take();
  expect(turned).toBe(true);
  expect(breath.isOver()).toBe(false);
});
