import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { keyOf, toIntentChanges, toStoredChanges } from '../../../src/fleet/keys.js';
import { ScopeIndex } from '../../../src/fleet/scope/scope-index.js';
import { diffIntent, relevantTo } from '../../../src/app/intent.js';
import { BEGINNING, NODES, steps, wishesOf } from './world.js';
import type { ScopedChange } from '../../../src/fleet/scope/scope-index.js';
import type { EntityValue, StoredKind } from '../../../src/fleet/types.js';
import type { Intent } from '../../../src/intent/types.js';

const LISTS = {
  nodes: 'node',
  tenants: 'tenant',
  ports: 'port',
  paths: 'path',
  gateways: 'gateway',
  externals: 'external',
  policies: 'policy',
};

/** A node's part by keys, made from a whole intent by the code that files go through. */
function partOf(whole: Intent, node: string): Record<string, unknown> {
  const part = relevantTo(whole, node);
  const values: [string, unknown][] = [['block', part.sidBlock]];
  for (const source of part.sources ?? []) values.push([`source/${source}`, source]);
  for (const [list, kind] of Object.entries(LISTS)) {
    const entities = (part[list as keyof Intent] ?? []) as EntityValue[];
    for (const entity of entities) values.push([keyOf(kind as StoredKind, entity), entity]);
  }
  return Object.fromEntries(values);
}

function take(held: Map<string, unknown>, changes: readonly ScopedChange[]): void {
  for (const { key, before, after } of changes) {
    expect(held.get(key), key).toEqual(before);
    if (after === undefined) held.delete(key);
    else held.set(key, after);
  }
}

describe('ScopeIndex', { timeout: 120_000 }, () => {
  it("gives every node the whole intent's scope, change by change", () => {
    let changes = 0;
    fc.assert(
      fc.property(steps, fc.shuffledSubarray(NODES, { minLength: 1 }), fc.nat({ max: 30 }), (sets, early, joinAt) => {
        const checked = new CheckedIntent(BEGINNING);
        const scopes = new ScopeIndex();
        for (const change of toIntentChanges(BEGINNING.map(([key, after]) => ({ key, after }))))
          scopes.index.apply(change);
        const held = new Map<string, Map<string, unknown>>();
        const join = (node: string): void => {
          const part = new Map<string, unknown>();
          take(part, scopes.follow(node));
          held.set(node, part);
        };
        for (const node of early) join(node);
        sets.forEach((set, i) => {
          // Nodes come, go and come back in between.
          if (i === joinAt) for (const node of NODES) join(node);
          let accepted;
          try {
            accepted = checked.apply(wishesOf(set, checked.entities));
          } catch {
            return;
          }
          changes += accepted.length;
          for (const [node, scoped] of scopes.apply(toIntentChanges(accepted)))
            take(held.get(node) ?? new Map<string, unknown>(), scoped);
          const whole = checked.index.intent();
          for (const [node, part] of held) expect(Object.fromEntries(part), node).toEqual(partOf(whole, node));
        });
      }),
      { numRuns: 250 },
    );
    expect(changes).toBeGreaterThan(1000);
  });

  it('informs no node of a change that concerns none', () => {
    const scopes = new ScopeIndex();
    for (const change of toIntentChanges(BEGINNING.map(([key, after]) => ({ key, after })))) scopes.index.apply(change);
    for (const node of NODES) scopes.follow(node);
    const port = {
      name: 'a',
      tenant: 'red',
      node: 'hv0',
      interface: 'tap0',
      mac: '02:00:00:00:00:0a',
      addresses: ['10.0.0.5'],
      prefixes: [],
    };
    const first = scopes.apply(toIntentChanges([{ key: 'port/red/a', after: port }]));
    expect([...first.keys()]).toEqual(['hv0']);
    expect(
      first
        .get('hv0')
        ?.map(({ key }) => key)
        .sort(),
    ).toEqual(['port/red/a', 'tenant/red']);
    // A tenant comes with its first port, together with its ports elsewhere and their nodes.
    const second = { ...port, name: 'b', node: 'hv1', mac: '02:00:00:00:00:0b', addresses: ['10.0.0.6'] };
    const both = scopes.apply(toIntentChanges([{ key: 'port/red/b', after: second }]));
    expect(
      both
        .get('hv1')
        ?.map(({ key }) => key)
        .sort(),
    ).toEqual(['node/hv0', 'port/red/a', 'port/red/b', 'tenant/red']);
    expect(
      both
        .get('hv0')
        ?.map(({ key }) => key)
        .sort(),
    ).toEqual(['node/hv1', 'port/red/b']);
    // Of a port elsewhere neither interface nor MAC address are of interest.
    const moved = scopes.apply(
      toIntentChanges([{ key: 'port/red/b', before: second, after: { ...second, interface: 'tap9' } }]),
    );
    expect([...moved.keys()]).toEqual(['hv1']);
  });
});

describe('keys', () => {
  it('are two for one port that changes its tenant', () => {
    const before = {
      name: 'a',
      tenant: 'red',
      node: 'hv0',
      interface: 't',
      mac: '02:00:00:00:00:0a',
      addresses: ['10.0.0.5'],
      prefixes: [],
    };
    const after = { ...before, tenant: 'blue' };
    const base = { version: 1, sidBlock: 'fd00::/32', nodes: [], tenants: [], paths: [] } as const;
    const changes = diffIntent(
      { ...base, nodes: [], tenants: [], paths: [], ports: [before] },
      { ...base, nodes: [], tenants: [], paths: [], ports: [after] },
    );
    const stored = toStoredChanges(changes);
    expect(stored).toEqual([
      { key: 'port/red/a', before },
      { key: 'port/blue/a', after },
    ]);
    expect(toIntentChanges(stored)).toEqual(changes);
    expect(toIntentChanges([...stored].reverse())).toEqual(changes);
  });
});
