/** Versions of a node's part, one for each message. A new version costs in proportion to its changes; earlier versions remain readable. */
import { kindOfKey } from '../keys.js';
import { intentOfPart } from './part.js';
import type { Intent } from '../../intent/types.js';
import type { EntityValue, StoredChange } from '../types.js';
import type { Part } from './part.js';

/** Fields of an intent that exist only if the part has keys of their kind. */
const OPTIONAL = { trusted: 'trusted', gateway: 'gateways', external: 'externals', policy: 'policies' } as const;
const ALWAYS = ['version', 'sidBlock', 'sources', 'nodes', 'tenants', 'ports', 'paths'] as const;

/**
 * The newest version holds the values; each earlier one refers to the next and holds the changes to undo (H. Baker, Shallow binding makes
 * functional arrays fast, 1991). A version that is not referenced is garbage-collected with its changes.
 */
export class PartVersion {
  #values: Map<string, EntityValue> | undefined;
  #next: PartVersion | undefined;
  #undo: readonly StoredChange[] = [];
  #intent: Intent | undefined;
  /** Number of keys by kind. */
  readonly #counts: ReadonlyMap<string, number>;

  private constructor(values: Map<string, EntityValue>, counts: ReadonlyMap<string, number>) {
    this.#values = values;
    this.#counts = counts;
  }

  /** @param values owned by the version from now on */
  static of(values = new Map<string, EntityValue>()): PartVersion {
    const counts = new Map<string, number>();
    for (const key of values.keys()) count(counts, key, 1);
    return new PartVersion(values, counts);
  }

  /** The values: free for the newest version; an earlier one copies the whole part once. */
  get values(): Part {
    if (this.#values !== undefined) return this.#values;
    const later: PartVersion[] = [this];
    let at = this.#next;
    for (; at !== undefined && at.#values === undefined; at = at.#next) later.push(at);
    const values = new Map(at === undefined ? [] : at.#values);
    for (const version of later.reverse()) move(values, version.#undo, 'before');
    this.#values = values;
    this.#next = undefined;
    this.#undo = [];
    return values;
  }

  /** The version after these changes, whose `before` must equal its values. Must be called at most once for each version. */
  next(changes: readonly StoredChange[]): PartVersion {
    const values = this.values as Map<string, EntityValue>;
    const counts = new Map(this.#counts);
    for (const { key, before, after } of changes)
      count(counts, key, (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1));
    move(values, changes, 'after');
    const next = new PartVersion(values, counts);
    // The next version takes over the values; this one keeps the changes to undo.
    this.#values = undefined;
    this.#next = next;
    this.#undo = changes;
    return next;
  }

  /** The intent of this part, built when one of its fields is first read. */
  get intent(): Intent {
    let made: Intent | undefined;
    const all = (): Intent => (made ??= intentOfPart(this.values));
    const fields = [
      ...ALWAYS,
      ...Object.entries(OPTIONAL).flatMap(([kind, field]) => ((this.#counts.get(kind) ?? 0) > 0 ? [field] : [])),
    ];
    this.#intent ??= Object.defineProperties(
      {},
      Object.fromEntries(fields.map((field) => [field, { enumerable: true, get: () => all()[field] }])),
    ) as Intent;
    return this.#intent;
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const kind = kindOfKey(key);
  if (kind !== undefined && kind in OPTIONAL) counts.set(kind, (counts.get(kind) ?? 0) + by);
}

function move(values: Map<string, EntityValue>, changes: readonly StoredChange[], to: 'before' | 'after'): void {
  for (const { key, [to]: value } of changes) {
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }
}
