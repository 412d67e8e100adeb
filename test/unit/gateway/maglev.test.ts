import { describe, expect, it } from 'vitest';
import { MAGLEV_SLOTS, maglevTable } from '../../../src/gateway/maglev.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `nn${index + 1}`);

function shares(table: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const name of table) found.set(name, (found.get(name) ?? 0) + 1);
  return found;
}

describe('maglevTable', () => {
  it.each([1, 2, 3, 7, 16])('gives each of %i nodes an equal share', (count) => {
    const table = maglevTable(names(count));
    expect(table).toHaveLength(MAGLEV_SLOTS);
    const found = shares(table);
    expect([...found.keys()].sort()).toEqual(names(count).sort());
    // Each takes one slot a round.
    for (const share of found.values()) expect(Math.abs(share - MAGLEV_SLOTS / count)).toBeLessThan(1 + 1e-9);
  });

  it('does not depend on the order of nodes, and is empty without nodes', () => {
    expect(maglevTable(names(5).reverse())).toEqual(maglevTable(names(5)));
    expect(maglevTable([])).toEqual([]);
  });

  it.each([2, 4, 8, 16])('moves few slots of other nodes when one of %i is removed', (count) => {
    const before = maglevTable(names(count));
    for (const gone of names(count)) {
      const after = maglevTable(names(count).filter((name) => name !== gone));
      const moved = before.filter((name, slot) => name !== gone && after[slot] !== name).length;
      expect(after).not.toContain(gone);
      // The paper (section 5.3): the disruption beyond the share is small. With these names: at most 2.1 % of the slots.
      expect(moved / MAGLEV_SLOTS).toBeLessThan(0.05);
      // A table of its own: two nodes that swap would move nearly all.
      expect(before.filter((name, slot) => after[slot] === name).length).toBeGreaterThan(0.45 * MAGLEV_SLOTS);
    }
  });
});
