/** What differs between two intents, entity by entity. */
import { runAtOnce } from '../reconcile/steps.js';
import { sameExternal, sameGateway, sameList, samePath, samePolicy } from './equality.js';
import { sourcesOf } from './sources.js';
import type { IntentModel } from './model.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, IntentChange, Path } from './types.js';

/** The key of the one `block` change. */
export const BLOCK_KEY = 'sidBlock';
/** The key of the one `trusted` change. */
export const TRUSTED_KEY = 'trusted';

/** What tells a path from others: where it leads and for whom. `hv2 *` is the path of all other tenants. */
export function pathKey({ to, tenants }: Pick<Path, 'to' | 'tenants'>): string {
  return `${to} ${tenants ? tenants.join(',') : '*'}`;
}

/** A difference of one kind: no `before` when new, no `after` when gone. */
interface Difference<T> {
  key: string;
  before?: T;
  after?: T;
}

/**
 * What is gone first, then what changed or is new; each in the order of its list. Equal ends of both lists are compared in place: a change of a
 * few in a million makes no index of a million.
 */
function* differences<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (value: T) => string,
  same: (a: T, b: T) => boolean,
): Steps<Difference<T>[]> {
  const changed: Difference<T>[] = [];
  const compare = (key: string, old: T, value: T): void => {
    if (old !== value && !same(old, value)) changed.push({ key, before: old, after: value });
  };
  const most = Math.min(before.length, after.length);
  let start = 0;
  for (; start < most; start++) {
    const [old, value] = [before[start] as T, after[start] as T];
    const key = keyOf(value);
    if (keyOf(old) !== key) break;
    compare(key, old, value);
    yield;
  }
  let ends = 0;
  for (; ends < most - start; ends++) {
    if (keyOf(before[before.length - 1 - ends] as T) !== keyOf(after[after.length - 1 - ends] as T)) break;
    yield;
  }
  const left = new Map<string, T>();
  for (let at = start; at < before.length - ends; at++) {
    const value = before[at] as T;
    left.set(keyOf(value), value);
    yield;
  }
  for (let at = start; at < after.length; at++) {
    const value = after[at] as T;
    const key = keyOf(value);
    const fromEnd = after.length - at;
    const old = fromEnd <= ends ? (before[before.length - fromEnd] as T) : left.get(key);
    left.delete(key);
    if (old === undefined) changed.push({ key, after: value });
    else compare(key, old, value);
    yield;
  }
  const gone = [...left].map(([key, value]): Difference<T> => ({ key, before: value }));
  return [...gone, ...changed];
}

const nameOf = ({ name }: { name: string }): string => name;

/**
 * The changes that lead from one intent to the other; none for entities that are equal, whatever their order. The block
 * comes first, then trusted prefixes, outer sources, nodes, tenants, ports, paths, gateways, external networks, policies.
 */
export function diffIntent(before: Intent, after: Intent, model: IntentModel): IntentChange[] {
  return runAtOnce(diffSteps(before, after, model));
}

/** The same, as work that may be interrupted: of a million ports it takes a second. */
export function* diffSteps(before: Intent, after: Intent, { same }: IntentModel): Steps<IntentChange[]> {
  const changes: IntentChange[] = [];
  if (before.sidBlock !== after.sidBlock) {
    changes.push({ kind: 'block', key: BLOCK_KEY, before: before.sidBlock, after: after.sidBlock });
  }
  const trusted = [before.trusted ?? [], after.trusted ?? []] as const;
  if (!sameList(...trusted)) changes.push({ kind: 'trusted', key: TRUSTED_KEY, before: trusted[0], after: trusted[1] });
  const self = (text: string): string => text;
  for (const d of yield* differences(sourcesOf(before), sourcesOf(after), self, Object.is))
    changes.push({ kind: 'source', ...d });
  for (const d of yield* differences(before.nodes, after.nodes, nameOf, same.node))
    changes.push({ kind: 'node', ...d });
  for (const d of yield* differences(before.tenants, after.tenants, nameOf, same.tenant))
    changes.push({ kind: 'tenant', ...d });
  for (const d of yield* differences(before.ports, after.ports, nameOf, same.port))
    changes.push({ kind: 'port', ...d });
  for (const d of yield* differences(before.paths, after.paths, pathKey, samePath))
    changes.push({ kind: 'path', ...d });
  for (const d of yield* differences(before.gateways ?? [], after.gateways ?? [], nameOf, sameGateway))
    changes.push({ kind: 'gateway', ...d });
  for (const d of yield* differences(before.externals ?? [], after.externals ?? [], nameOf, sameExternal))
    changes.push({ kind: 'external', ...d });
  for (const d of yield* differences(before.policies ?? [], after.policies ?? [], nameOf, samePolicy))
    changes.push({ kind: 'policy', ...d });
  return changes;
}
