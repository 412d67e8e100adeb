import { expect, it } from 'vitest';
import { searchRate } from '../../../bench/packets/search.js';
import type { Trial } from '../../../bench/packets/search.js';

const OPTIONS = { top: 2e6, lossMax: 0.005, precision: 0.02, trialsMax: 30 };

/** A path that carries so much and drops the rest. */
function path(capacity: number): (rate: number) => Promise<Trial> {
  return (rate) => Promise.resolve({ offered: rate, arrived: Math.min(rate, capacity), seconds: 1, busySeconds: 1 });
}

it.each([1.9e6, 1e6, 333_333, 50_000])("the search finds a path's capacity: %d", async (capacity) => {
  const { rate, loss } = await searchRate(path(capacity), OPTIONS);
  // Half a percent may be lost: a little above the capacity still passes.
  expect(rate).toBeGreaterThan(capacity * 0.975);
  expect(rate).toBeLessThanOrEqual(capacity / 0.995);
  expect(loss).toBeLessThanOrEqual(0.005);
});

it('the search repeats a failed trial, so one stall does not decide', async () => {
  let trials = 0;
  const stalling = (rate: number): Promise<Trial> => {
    trials += 1;
    return Promise.resolve({
      offered: rate,
      arrived: trials === 1 ? rate / 2 : Math.min(rate, 1.5e6),
      seconds: 1,
      busySeconds: 1,
    });
  };
  expect((await searchRate(stalling, OPTIONS)).rate).toBeGreaterThan(1.45e6);
});

it('the search reports the offered rate, not the requested one', async () => {
  const slow = (rate: number): Promise<Trial> =>
    Promise.resolve({ offered: Math.min(rate, 1e6), arrived: Math.min(rate, 1e6), seconds: 1, busySeconds: 1 });
  expect((await searchRate(slow, OPTIONS)).rate).toBe(1e6);
});

it('the search ends without a rate for a path that always drops', async () => {
  const broken = (rate: number): Promise<Trial> =>
    Promise.resolve({ offered: rate, arrived: rate * 0.9, seconds: 1, busySeconds: 1 });
  // Seven halvings come below a hundredth; each rate is tried twice.
  expect(await searchRate(broken, OPTIONS)).toEqual({ rate: 0, loss: 0, trials: 14 });
});

it('the search ends after the maximum number of trials', async () => {
  expect((await searchRate(path(1e6), { ...OPTIONS, trialsMax: 3 })).trials).toBeLessThanOrEqual(4);
});
