/** What differs between two intents, entity by entity. */
import type {
  External,
  Gateway,
  Intent,
  IntentChange,
  IntentNode,
  Path,
  Policy,
  PolicyEnd,
  Port,
  Subnet,
  Tenant,
} from './types.js';

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
  return (
    a.locator === b.locator && a.source === b.source && a.behaviours?.[0] === b.behaviours?.[0] && a.drain === b.drain
  );
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
    a.xdp === b.xdp &&
    sameSet(a.addresses, b.addresses) &&
    sameSet(a.prefixes, b.prefixes)
  );
}

function samePath(a: Path, b: Path): boolean {
  return sameTexts(a.via, b.via);
}

function sameGateway(a: Gateway, b: Gateway): boolean {
  return sameSet(a.nodes, b.nodes) && sameSet(a.tenants, b.tenants);
}

function sameExternal(a: External, b: External): boolean {
  return a.gateway === b.gateway && a.interface === b.interface && sameSet(a.prefixes, b.prefixes);
}

function sameEnd(a: PolicyEnd, b: PolicyEnd): boolean {
  const party = (end: PolicyEnd): string => ('tenant' in end ? `tenant ${end.tenant}` : `external ${end.external}`);
  const { prefixes: left } = a;
  const { prefixes: right } = b;
  if (party(a) !== party(b)) return false;
  return left === undefined || right === undefined ? left === right : sameSet(left, right);
}

function samePolicy(a: Policy, b: Policy): boolean {
  return (
    a.protocol === b.protocol &&
    a.action === b.action &&
    a.log === b.log &&
    a.priority === b.priority &&
    a.ports?.join() === b.ports?.join() &&
    sameEnd(a.from, b.from) &&
    sameEnd(a.to, b.to)
  );
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
 * comes first, then nodes, tenants, ports, paths, gateways, external networks, policies.
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
  for (const d of differences(before.gateways ?? [], after.gateways ?? [], nameOf, sameGateway))
    changes.push({ kind: 'gateway', ...d });
  for (const d of differences(before.externals ?? [], after.externals ?? [], nameOf, sameExternal))
    changes.push({ kind: 'external', ...d });
  for (const d of differences(before.policies ?? [], after.policies ?? [], nameOf, samePolicy))
    changes.push({ kind: 'policy', ...d });
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
  const gateways = replaced(intent.gateways ?? [], of('gateway'), nameOf);
  const externals = replaced(intent.externals ?? [], of('external'), nameOf);
  const policies = replaced(intent.policies ?? [], of('policy'), nameOf);
  return {
    version: 1,
    sidBlock: block?.after ?? intent.sidBlock,
    nodes: replaced(intent.nodes, of('node'), nameOf),
    tenants: replaced(intent.tenants, of('tenant'), nameOf),
    ports: replaced(intent.ports, of('port'), nameOf),
    paths: replaced(intent.paths, of('path'), pathKey),
    ...(gateways.length > 0 && { gateways }),
    ...(externals.length > 0 && { externals }),
    ...(policies.length > 0 && { policies }),
  };
}
