/** Flows as the popular and the many others have them. Pure. */
import { randomFrom } from '../lib/workload.js';

/** As many as bpf/bench/generator.bpf.c goes through before it begins again (DRAWS). */
export const DRAWS = 1 << 20;
const SEED = 7;

/**
 * DRAWS numbers of flows, flow i with probability proportional to 1 / (i + 1): Zipf's law with exponent 1. The same in every run.
 *
 * @param flows 1 at least
 */
export function zipfDraws(flows: number): Uint32Array {
  const cumulative = new Float64Array(flows);
  let sum = 0;
  for (let flow = 0; flow < flows; flow++) {
    sum += 1 / (flow + 1);
    cumulative[flow] = sum;
  }
  const random = randomFrom(SEED);
  return Uint32Array.from({ length: DRAWS }, () => firstAbove(cumulative, random() * sum));
}

/** Index of the first value above one, of ascending values of which the last is above it. */
function firstAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
