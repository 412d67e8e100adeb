import { describe, expect, it } from 'vitest';
import {
  addLatency,
  countOf,
  latencySince,
  LATENCY_BOUNDS_MS,
  newLatency,
  observeStamps,
  quantileMs,
} from '../../../src/fleet/status/latency.js';
import { ProgressTracker } from '../../../src/fleet/node/progress.js';

const counts = (...ms: number[]): number[] => {
  const made = newLatency();
  for (const one of ms) observeStamps(made, { writtenMs: 0, fedMs: 0, receivedMs: 0, plannedMs: 0, appliedMs: one });
  return made.whole;
};

describe('latency', () => {
  it('is counted under the smallest bound not below it, and the lowest when negative from clock skew', () => {
    for (const bound of LATENCY_BOUNDS_MS) {
      expect(quantileMs(counts(bound), 1)).toBe(bound);
      expect(quantileMs(counts(bound + 0.5), 1)).not.toBe(bound);
    }
    expect(quantileMs(counts(-5000), 1)).toBe(1);
    expect(quantileMs(counts(1e9), 1)).toBe(Infinity);
    expect(quantileMs([], 0.5)).toBeUndefined();
  });

  it('has quantiles that are bucket bounds', () => {
    const all = counts(...Array.from({ length: 99 }, () => 3), 700);
    expect([0.5, 0.99, 1].map((share) => quantileMs(all, share))).toEqual([5, 5, 1000]);
  });

  it('is summed over nodes, and subtracted since an earlier reading', () => {
    const stamps = { writtenMs: 0, fedMs: 3, receivedMs: 4, plannedMs: 10, appliedMs: 90 };
    const one = newLatency();
    observeStamps(one, stamps);
    const before = structuredClone(one);
    observeStamps(one, stamps);
    observeStamps(one, { ...stamps, appliedMs: 3000 });
    const sum = newLatency();
    addLatency(sum, one);
    addLatency(sum, before);
    expect(countOf(sum.whole)).toBe(4);
    const since = latencySince(one, before);
    expect(countOf(since.whole)).toBe(2);
    expect(quantileMs(since.whole, 1)).toBe(5000);
    expect(quantileMs(since.fed, 1)).toBe(5);
    // An agent that began anew counts from nothing.
    expect(latencySince(before, one)).toEqual(before);
    expect(latencySince(one, undefined)).toEqual(one);
  });
});

describe("a node's progress", () => {
  it('ends before the oldest change that is not applied', () => {
    const tracker = new ProgressTracker();
    expect(tracker.applied(7)).toBe(7);
    const first = tracker.begin(7, { writtenMs: 0, fedMs: 0 });
    const second = tracker.begin(8);
    second('planned');
    second('applied');
    expect(tracker.applied(9)).toBe(7);
    first('applied');
    first('applied');
    expect(tracker.applied(9)).toBe(9);
    // What is no single change is not measured, and one is once.
    expect(countOf(tracker.latency.whole)).toBe(1);
  });
});
