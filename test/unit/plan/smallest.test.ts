import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SmallestSet } from '../../../src/plan/smallest.js';

const BOUND = 4;
const steps = fc.array(
  fc.record({ member: fc.constantFrom(...'abcdefghij'), goes: fc.boolean(), isAsked: fc.boolean() }),
  { maxLength: 60 },
);

describe('SmallestSet', () => {
  it('equals the first members of a sorted set after any changes, whenever it is read', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const set = new SmallestSet(BOUND);
        const plain = new Set<string>();
        for (const { member, goes, isAsked } of sequence) {
          if (goes) {
            set.delete(member);
            plain.delete(member);
          } else {
            set.add(member);
            plain.add(member);
          }
          expect(set.size).toBe(plain.size);
          expect(set.has(member)).toBe(plain.has(member));
          if (isAsked) expect(set.first).toEqual([...plain].sort().slice(0, BOUND));
        }
        expect(set.first).toEqual([...plain].sort().slice(0, BOUND));
      }),
      { numRuns: 500 },
    );
  });

  it('does so with many members, added and removed in any order', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 99_999 }), { minLength: 500, maxLength: 1000 });
    fc.assert(
      fc.property(numbers, numbers, (come, go) => {
        const set = new SmallestSet(200);
        const plain = new Set<string>();
        const isRight = (): void => {
          expect(set.size).toBe(plain.size);
          expect(set.first).toEqual([...plain].sort().slice(0, 200));
        };
        const add = (members: readonly number[]): void => {
          for (const member of members.map(String)) {
            set.add(member);
            plain.add(member);
          }
        };
        add(come);
        isRight();
        // Those that are there, the smallest first, and some that are not.
        const leaving = [...plain].sort().filter((_, at) => at % 5 !== 4);
        for (const member of [...leaving, ...go.map(String)]) {
          set.delete(member);
          plain.delete(member);
        }
        isRight();
        expect(go.map(String).filter((member) => set.has(member))).toEqual([]);
        add(go);
        isRight();
      }),
      { numRuns: 100 },
    );
  });
});
