/** What differs between two intents, entity by entity. */
import type { Intent, IntentChange, IntentNode, Path, Port, Subnet, Tenant } from './types.js';

/** The key of the one `block` change. */
export const BLOCK_KEY = 'sidBlock';

/** What tells a path from others: where it leads and for whom. `hv2 *` is the path of all other tenants. */
export function pathKey({ to, tenants }: Pick<Path, 'to' | 'tenants'>): string {
  return `${to} ${tenants ? tenants.join(',') : '*'}`;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

/** Addresses, prefixes and uplinks are sets: their order says nothing. */
function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return sameTexts(a, b) || (a.length === b.length && sameTexts([...a].sort(), [...b].sort()));
}

function sameNode(a: IntentNode, b: IntentNode): boolean {
  return a.locator === b.locator && a.source === b.source && a.behaviours?.[0] === b.behaviours?.[0];
}

function sameTenant(a: Tenant, b: Tenant): boolean {
  const subnetText = ({ prefix, gateway }: Subnet): string => `${prefix} ${gateway}`;
  return (
    a.id === b.id &&
    a.dscp === b.dscp &&
    a.mtu === b.mtu &&
    sameSet(a.subnets.map(subnetText), b.subnets.map(subnetText))
  );
}

function samePort(a: Port, b: Port): boolean {
  return (
    a.tenant === b.tenant &&
    a.node === b.node &&
    a.interface === b.interface &&
    a.mac === b.mac &&
    sameSet(a.addresses, b.addresses) &&
    sameSet(a.prefixes, b.prefixes)
  );
}

function samePath(a: Path, b: Path): boolean {
  return sameTexts(a.via, b.via);
}

/** A difference of one kind: no `before` when new, no `after` when gone. */
interface Difference<T> {
  key: string;
  before?: T;
  after?: T;
}

/** What is gone first, then what changed or is new; each in the order of its list. */
function differences<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (value: T) => string,
  same: (a: T, b: T) => boolean,
): Difference<T>[] {
  const left = new Map(before.map((value) => [keyOf(value), value]));
  const changed: Difference<T>[] = [];
  for (const value of after) {
    const key = keyOf(value);
    const old = left.get(key);
    left.delete(key);
    if (old === undefined) changed.push({ key, after: value });
    else if (old !== value && !same(old, value)) changed.push({ key, before: old, after: value });
  }
  const gone = [...left].map(([key, value]): Difference<T> => ({ key, before: value }));
  return [...gone, ...changed];
}

const nameOf = ({ name }: { name: string }): string => name;

/**
 * The changes that lead from one intent to the other; none for entities that are equal, whatever their order. The block
 * comes first, then nodes, tenants, ports, paths.
 */
export function diffIntent(before: Intent, after: Intent): IntentChange[] {
  const changes: IntentChange[] = [];
  if (before.sidBlock !== after.sidBlock) {
    changes.push({ kind: 'block', key: BLOCK_KEY, before: before.sidBlock, after: after.sidBlock });
  }
  for (const d of differences(before.nodes, after.nodes, nameOf, sameNode)) changes.push({ kind: 'node', ...d });
  for (const d of differences(before.tenants, after.tenants, nameOf, sameTenant))
    changes.push({ kind: 'tenant', ...d });
  for (const d of differences(before.ports, after.ports, nameOf, samePort)) changes.push({ kind: 'port', ...d });
  for (const d of differences(before.paths, after.paths, pathKey, samePath)) changes.push({ kind: 'path', ...d });
  return changes;
}

function replaced<T>(values: readonly T[], changes: readonly Difference<T>[], keyOf: (value: T) => string): T[] {
  const byKey = new Map(values.map((value) => [keyOf(value), value]));
  for (const { key, after } of changes) {
    if (after === undefined) byKey.delete(key);
    else byKey.set(key, after);
  }
  return [...byKey.values()];
}

/** The intent after the changes. Entities that stay keep their places, new ones come last. */
export function applyChanges(intent: Intent, changes: readonly IntentChange[]): Intent {
  const block = changes.findLast((change) => change.kind === 'block');
  const of = <K extends IntentChange['kind']>(kind: K): Extract<IntentChange, { kind: K }>[] =>
    changes.filter((change): change is Extract<IntentChange, { kind: K }> => change.kind === kind);
  return {
    version: 1,
    sidBlock: block?.after ?? intent.sidBlock,
    nodes: replaced(intent.nodes, of('node'), nameOf),
    tenants: replaced(intent.tenants, of('tenant'), nameOf),
    ports: replaced(intent.ports, of('port'), nameOf),
    paths: replaced(intent.paths, of('path'), pathKey),
  };
}
