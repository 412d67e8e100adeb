import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { toIntentChanges } from '../../../src/fleet/keys.js';
import { partOfIntent } from '../../../src/fleet/node/part.js';
import { PartVersion } from '../../../src/fleet/node/part-version.js';
import { ScopeIndex } from '../../../src/fleet/scope/scope-index.js';
import { relevantTo } from '../../../src/app/intent.js';
import { BEGINNING, NODES, steps, wishesOf } from './world.js';
import type { EntityValue, StoredChange } from '../../../src/fleet/types.js';
import type { Intent } from '../../../src/intent/types.js';

/** Whatever the order of its lists, and with its fields as others copy them. */
const canonical = (intent: Intent): unknown => {
  const fields = Object.entries({ ...intent }).map(([field, value]: [string, unknown]) => [
    field,
    Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : value,
  ]);
  return Object.fromEntries(fields);
};

it("a version equals the whole intent's scope after each change, in any order of reads", { timeout: 120_000 }, () => {
  let looks = 0;
  fc.assert(
    fc.property(steps, fc.constantFrom(...NODES), fc.infiniteStream(fc.nat({ max: 9 })), (sets, node, dice) => {
      const checked = new CheckedIntent(BEGINNING);
      const scopes = new ScopeIndex();
      for (const change of toIntentChanges(BEGINNING.map(([key, after]) => ({ key, after }))))
        scopes.index.apply(change);
      const first = scopes.follow(node).map(({ key, after }) => [key, after as EntityValue] as const);
      let version = PartVersion.of(new Map(first));
      const held: { intent: Intent; values: PartVersion; wanted: unknown }[] = [];
      for (const set of sets) {
        let accepted;
        try {
          accepted = checked.apply(wishesOf(set, checked.entities));
        } catch {
          continue;
        }
        const changes = scopes.apply(toIntentChanges(accepted)).get(node) ?? [];
        version = version.next(changes as StoredChange[]);
        held.push({
          intent: version.intent,
          values: version,
          wanted: canonical(relevantTo(checked.index.intent(), node)),
        });
        // Some earlier version is looked at now, others only at the end.
        const at = held[Number(dice.next().value) % held.length];
        if (at !== undefined) expect(canonical(at.intent)).toEqual(at.wanted);
        looks += 1;
      }
      for (const { intent, values, wanted } of held) {
        expect(canonical(intent)).toEqual(wanted);
        expect(new Map([...values.values].sort())).toEqual(new Map([...partOfIntent(intent)].sort()));
      }
    }),
    { numRuns: 150 },
  );
  expect(looks).toBeGreaterThan(500);
});

it('the next version costs what changed, without reading other entities', () => {
  const values = new Map<string, EntityValue>([['block', 'fd00::/32']]);
  for (let n = 0; n < 1000; n++) {
    const node = { locator: '', source: '' };
    Object.defineProperty(node, 'name', { get: () => expect.fail('somebody looks at it') });
    values.set(`node/n${n}`, node as unknown as EntityValue);
  }
  values[Symbol.iterator] = () => expect.fail('somebody goes through all of them');
  let version = PartVersion.of(values);
  const intents = [version.intent];
  for (let n = 0; n < 10; n++) {
    version = version.next([
      { key: 'block', before: n === 0 ? 'fd00::/32' : `fd0${n}::/32`, after: `fd0${n + 1}::/32` },
    ]);
    intents.push(version.intent);
  }
  expect(version.values.get('block')).toBe('fd010::/32');
  expect(intents).toHaveLength(11);
});
