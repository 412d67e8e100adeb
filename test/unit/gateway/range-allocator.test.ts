import { describe, expect, it } from 'vitest';
import { RangeAllocator } from '../../../src/gateway/range-allocator.js';

describe('RangeAllocator', () => {
  it('allocates free ranges first-fit', () => {
    const runs = new RangeAllocator(10, [{ first: 2, count: 3 }]);
    expect([runs.allocate(3), runs.allocate(2), runs.allocate(2)]).toEqual([5, 0, 8]);
    expect(() => runs.allocate(1)).toThrow('no 1 places are free');
  });

  it.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('joins ranges released in the order %i %i %i', (...order) => {
    const runs = new RangeAllocator(9, []);
    const taken = [0, 1, 2].map(() => ({ first: runs.allocate(3), count: 3 }));
    expect(() => runs.allocate(1)).toThrow();
    for (const at of order) {
      const run = taken[at];
      if (run !== undefined) runs.release(run);
    }
    expect(runs.allocate(9)).toBe(0);
  });

  it('does not join a released range with those in use', () => {
    const runs = new RangeAllocator(9, [{ first: 0, count: 9 }]);
    runs.release({ first: 3, count: 3 });
    expect(() => runs.allocate(4)).toThrow();
    expect(runs.allocate(3)).toBe(3);
  });
});
