/** How much slower than the development machine this one runs JavaScript: limits in seconds are for real machines. */

/** Milliseconds that `work` takes on the development machine, when it has nothing else to do. */
const REFERENCE_MS = 1.5;
const TRIES = 5;

/**
 * The factor, at least 1. In the emulated VM it is about 25; beside other loads it is more. A limit times this factor is
 * as strict as the limit is on a machine that the software is made for.
 */
export function slowness(): number {
  let best = Infinity;
  for (let run = 0; run < TRIES; run++) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
  }
  return Math.max(1, best / REFERENCE_MS);
}

/** What a survey does most: maps, strings, small objects. */
function work(): number {
  const map = new Map<string, { prefix: string; metric: number }>();
  for (let n = 0; n < 2000; n++) map.set(`1577058404 10.0.${n >> 8}.${n & 255}/32 0`, { prefix: `${n}`, metric: n });
  let sum = 0;
  for (const [key, { prefix, metric }] of map) sum += key.length + prefix.length + metric;
  return sum + JSON.stringify([...map]).length;
}
