import { describe, expect, it } from 'vitest';
import { hopSlots } from '../../../src/ebpf/hop-slots.js';

const SLOTS = 128;

type Hop = Parameters<typeof hopSlots>[0][number];

const hop = (number: number, weight = 1): Hop => ({
  ifindex: 10 + number,
  destMac: `02:00:00:00:01:${number.toString(16).padStart(2, '0')}`,
  weight,
});
const hops = (count: number): Hop[] => Array.from({ length: count }, (_, number) => hop(number));

/** Interface of the hop of each place. */
function placesOf(of: readonly Hop[]): (number | undefined)[] {
  const bytes = hopSlots(of);
  return Array.from({ length: SLOTS }, (_, slot) => {
    const byte = bytes[slot >> 1] ?? 0;
    return of[slot % 2 === 0 ? byte & 15 : byte >> 4]?.ifindex;
  });
}

function shares(of: readonly Hop[]): number[] {
  const places = placesOf(of);
  return of.map(({ ifindex }) => places.filter((one) => one === ifindex).length);
}

describe('slots of next hops', () => {
  it.each([1, 2, 3, 5, 8, 11, 16])('differ by at most one between %i of equal weight', (count) => {
    const found = shares(hops(count));
    expect(found.reduce((sum, share) => sum + share, 0)).toBe(SLOTS);
    expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1);
  });

  it.each([
    [
      [3, 1],
      [96, 32],
    ],
    [
      [1, 2, 1],
      [32, 64, 32],
    ],
    [
      [256, 1],
      [127, 1],
    ],
    [
      [256, 256, 1, 1, 1],
      [62, 63, 1, 1, 1],
    ],
  ])('follow the weights %j: %j', (weights, expected) => {
    expect(shares(weights.map((weight, number) => hop(number, weight)))).toEqual(expected);
  });

  it('are zero without next hops', () => {
    expect(hopSlots([]).every((byte) => byte === 0)).toBe(true);
  });

  it('do not depend on the order of the hops', () => {
    expect(placesOf(hops(7).reverse())).toEqual(placesOf(hops(7)));
  });

  it.each([2, 4, 8, 16])('mostly stay when one of %i next hops is removed', (count) => {
    const all = hops(count);
    for (const gone of all) {
      const before = placesOf(all);
      const after = placesOf(all.filter((one) => one !== gone));
      const moved = before.filter((one, slot) => one !== gone.ifindex && one !== after[slot]).length;
      expect(moved).toBeLessThan(SLOTS / 3);
    }
  });

  it('are also shared by equal next hops', () => {
    const twin = hop(1);
    const bytes = [...hopSlots([twin, { ...twin }])];
    const indexes = bytes.flatMap((byte) => [byte & 15, byte >> 4]);
    expect(indexes.filter((index) => index === 0)).toHaveLength(SLOTS / 2);
  });
});
