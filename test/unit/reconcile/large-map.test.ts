import { describe, expect, it } from 'vitest';
import { LargeMap } from '../../../src/reconcile/large-map.js';

/** Well above the number from which a map is many tables. */
const MANY = 20_000;

/** A source of numbers that is the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const byKey = <V>(entries: Iterable<[string, V]>): [string, V][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

describe('LargeMap', () => {
  it.each([100, MANY])('behaves like Map with some %i keys', (keys) => {
    const next = random(keys);
    const large = new LargeMap<number>();
    const plain = new Map<string, number>();
    let differs = false;
    for (let step = 0; step < keys * 4; step++) {
      const key = `port-${next() % (keys * 2)}`;
      if (next() % 3 === 0) differs ||= large.delete(key) !== plain.delete(key);
      else {
        large.set(key, step);
        plain.set(key, step);
      }
      const other = `port-${next() % (keys * 2)}`;
      differs ||= large.get(other) !== plain.get(other) || large.has(other) !== plain.has(other);
      differs ||= large.size !== plain.size;
    }
    expect(differs).toBe(false);
    expect(byKey(large)).toEqual(byKey(plain));
    expect([...large.keys()].sort()).toEqual([...plain.keys()].sort());
    expect([...large.values()].sort()).toEqual([...plain.values()].sort());
    const walked = new Map<string, number>();
    large.forEach((value, key, map) => {
      expect(map).toBe(large);
      walked.set(key, value);
    });
    expect(walked).toEqual(plain);
    large.clear();
    expect([large.size, [...large], large.has('port-1')]).toEqual([0, [], false]);
  });

  it('retains the order of insertion while it is small', () => {
    const large = new LargeMap<number>();
    for (const key of ['c', 'a', 'b']) large.set(key, 1);
    expect([...large.keys()]).toEqual(['c', 'a', 'b']);
  });

  it.each([
    ['names', (n: number) => `port-${n}`],
    ['IPv4 routes', (n: number) => `100 10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`],
    ['IPv6 routes', (n: number) => `100 fd00:0:${n.toString(16)}::1/128`],
    ['UUIDs', (n: number) => `${(n * 2_654_435_761).toString(16).padStart(12, '0')}-4000-8000-00163e000001`],
    ['numbers', (n: number) => `${n * 256}`],
  ])('grows in small tables: %s (100,000)', (_what, keyOf) => {
    const large = new LargeMap<true>();
    for (let n = 0; n < 100_000; n++) large.set(keyOf(n), true);
    expect(large.size).toBe(100_000);
    expect(large.largestTable).toBeLessThan(4096);
  });

  it('has no duplicate keys after a split into tables', () => {
    const large = new LargeMap<number>();
    for (let round = 0; round < 2; round++) for (let n = 0; n < 10_000; n++) large.set(`${n}`, round);
    expect([large.size, new Set(large.keys()).size, new Set(large.values())]).toEqual([10_000, 10_000, new Set([1])]);
  });
});
