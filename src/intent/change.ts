/** The difference between two intents, by entity. */
import { LargeMap } from '../reconcile/large-map.js';
import { runAtOnce } from '../reconcile/steps.js';
import { sameList } from './equality.js';
import { sourcesOf } from './sources.js';
import type { IntentModel } from './model.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, IntentChange } from './types.js';

/** Key of the only `block` change. */
export const BLOCK_KEY = 'sidBlock';
/** Key of the only `trusted` change. */
export const TRUSTED_KEY = 'trusted';

/** A difference of one kind: without `before` the entity is new, without `after` it is gone. */
interface Difference<T> {
  key: string;
  before?: T;
  after?: T;
}

/**
 * Yields removed entities first, then changed and new ones, each in the order of its list. Equal beginnings and ends of both lists are compared in
 * place, so that a few changes among a million need no index of a million.
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
  const left = new LargeMap<T>();
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
  const gone: Difference<T>[] = [];
  for (const [key, value] of left) {
    gone.push({ key, before: value });
    yield;
  }
  for (const difference of changed) {
    gone.push(difference);
    yield;
  }
  return gone;
}

const nameOf = ({ name }: { name: string }): string => name;

/**
 * The changes from one intent to another; equal entities yield none, whatever their order. The block comes first, then trusted prefixes, outer
 * sources, nodes, tenants, ports, and the lists of features.
 */
export function diffIntent(before: Intent, after: Intent, model: IntentModel): IntentChange[] {
  return runAtOnce(diffSteps(before, after, model));
}

/** The same as work that may be suspended: a million ports take a second. */
export function* diffSteps(before: Intent, after: Intent, { same, lists }: IntentModel): Steps<IntentChange[]> {
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
  for (const d of yield* differences(before.ports, after.ports, nameOf, same.port)) {
    changes.push({ kind: 'port', ...d });
    yield;
  }
  for (const { key, kind, keyOf, same: sameEntity } of lists) {
    for (const d of yield* differences<unknown>(before[key] ?? [], after[key] ?? [], keyOf, sameEntity))
      changes.push({ kind, ...d } as IntentChange);
  }
  return changes;
}
