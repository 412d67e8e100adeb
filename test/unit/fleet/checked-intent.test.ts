import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { toIntentChange } from '../../../src/fleet/keys.js';
import { IntentIndex } from '../../../src/fleet/intent-index.js';
import { Findings } from '../../../src/intent/findings.js';
import { checkIntent } from '../../../src/app/intent.js';
import { BEGINNING, steps, wishesOf } from './world.js';
import type { EntityValue } from '../../../src/fleet/types.js';
import type { Intent } from '../../../src/intent/types.js';

function wholeOf(entities: Iterable<readonly [string, EntityValue]>, index = new IntentIndex()): Intent {
  for (const [key, after] of entities) index.apply(toIntentChange({ key, after }));
  // A list that is left out says nothing: names that name nothing would pass.
  return { gateways: [], externals: [], policies: [], ...index.intent() };
}

function expectedOf(whole: Intent): string[] {
  const findings = new Findings();
  checkIntent(whole, findings);
  return findings.list.map(({ found, expected }) => `${found}: ${expected}`);
}

describe('CheckedIntent', { timeout: 120_000 }, () => {
  it('accepts a change exactly if the checks of the whole file accept its result', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(steps, (sets) => {
        const checked = new CheckedIntent(BEGINNING);
        for (const set of sets) {
          const before = new Map(checked.entities);
          const wishes = wishesOf(set, before);
          const after = new Map(before);
          for (const { key, after: value } of wishes) {
            if (value === undefined) after.delete(key);
            else after.set(key, value);
          }
          const faults = expectedOf(wholeOf(after));
          let refusal: string | undefined;
          try {
            checked.apply(wishes);
          } catch (error) {
            refusal = (error as Error).message;
          }
          if ((refusal === undefined) !== (faults.length === 0)) {
            throw new Error(
              `${JSON.stringify(wishes)}: ${refusal ?? 'accepted'}; the whole: ${faults.join('; ') || 'accepted'}`,
            );
          }
          if (refusal === undefined) {
            seen.accepted += 1;
            expect(new Set(checked.entities.keys())).toEqual(new Set(after.keys()));
          } else {
            seen.refused += 1;
            // Refused changes leave no trace, in entities and index alike.
            expect(Object.fromEntries(checked.entities)).toEqual(Object.fromEntries(before));
          }
          const sorted = (intent: Intent): unknown =>
            Object.entries(intent).map(([field, value]) => [
              field,
              Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : (value as unknown),
            ]);
          expect(sorted(wholeOf([], checked.index))).toEqual(sorted(wholeOf(checked.entities)));
        }
      }),
      { numRuns: 150 },
    );
    expect(seen.accepted).toBeGreaterThan(300);
    expect(seen.refused).toBeGreaterThan(300);
  });

  it('names entities in errors, instead of positions in a list', () => {
    const checked = new CheckedIntent(BEGINNING);
    const port = { name: 'a', tenant: 'red', node: 'hv0', interface: 'tap0', mac: '02:00:00:00:00:0a', prefixes: [] };
    checked.apply([{ key: 'port/red/a', after: { ...port, addresses: ['10.0.0.5'] } }]);
    const second = { ...port, name: 'b', interface: 'tap1', addresses: ['10.0.0.5'] };
    expect(() => checked.apply([{ key: 'port/red/b', after: second }])).toThrow(
      /^intent: port b: mac: "02:00:00:00:00:0a": expected a MAC address no other port of tenant red has; port a has it\nintent: port b: addresses\[0\]: "10\.0\.0\.5": expected an address given once in tenant red; port a has it$/,
    );
  });

  it('stores canonical forms, and omits unchanged entities', () => {
    const checked = new CheckedIntent(BEGINNING);
    const after = { name: 'hv9', locator: 'FD00:5E:99:0::/48' } as EntityValue;
    expect(checked.apply([{ key: 'node/hv9', after }])).toEqual([
      { key: 'node/hv9', after: { name: 'hv9', locator: 'fd00:5e:99::/48', source: 'fd00:5e:99::1' } },
    ]);
    expect(checked.apply([{ key: 'node/hv9', after }])).toEqual([]);
  });

  it("enforces tenants' quotas, and lets a tenant over its quota shrink", () => {
    const checked = new CheckedIntent(BEGINNING);
    const port = (n: number, prefixes: string[] = []): { key: string; after: EntityValue } => ({
      key: `port/red/p${n}`,
      after: {
        ...{ name: `p${n}`, tenant: 'red', node: 'hv0', interface: `tap${n}`, mac: `02:00:00:00:00:0${n}` },
        ...{ addresses: [`10.0.0.${n + 2}`], prefixes },
      },
    });
    const quotas = new Map([
      ['*', { ports: 1 }],
      ['red', { ports: 2, routes: 3 }],
    ]);
    checked.apply([port(0), port(1)], quotas);
    expect(() => checked.apply([port(2)], quotas)).toThrow('intent: tenant red: ports: 3: expected at most 2');
    const wide = ['172.16.0.0/24', '172.16.1.0/24'];
    expect(() => checked.apply([port(1, wide)], quotas)).toThrow('intent: tenant red: routes: 4: expected at most 3');
    checked.apply([port(2)]);
    checked.apply([{ key: 'port/red/p0' }], quotas);
    expect(checked.entities.has('port/red/p2')).toBe(true);
  });
});
