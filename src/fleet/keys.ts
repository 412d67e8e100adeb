/** Where entities stand below a realm's prefix, and which change of the intent a key is. */
import { createHash } from 'node:crypto';
import { BLOCK_KEY, pathKey, TRUSTED_KEY } from '../intent/change.js';
import type { IntentChange, Path, Port } from '../intent/types.js';
import type { EntityValue, StoredChange, StoredKind } from './types.js';

/** Goes up with any change of keys or values that an older segue could not read. */
const FORMAT = 'v1';
/** etcd takes any length of key; a path for thousands of tenants has a hash of their names. */
const MAX_PATH_CHARS = 256;

/** The key of an entity, below `intent/`. */
export function keyOf(kind: StoredKind, value: EntityValue): string {
  switch (kind) {
    case 'block':
    case 'trusted':
      return kind;
    case 'port': {
      const { tenant, name } = value as Port;
      return `port/${tenant}/${name}`;
    }
    case 'path': {
      const { to, tenants } = value as Path;
      return `path/${to}/${pathTail(tenants)}`;
    }
    case 'node':
    case 'tenant':
    case 'gateway':
    case 'external':
    case 'policy':
      return `${kind}/${(value as { name: string }).name}`;
  }
}

function pathTail(tenants: readonly string[] | undefined): string {
  if (tenants === undefined) return '*';
  const text = tenants.join();
  if (text.length <= MAX_PATH_CHARS) return text;
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

const KINDS: readonly string[] = [
  'block',
  'trusted',
  'node',
  'tenant',
  'port',
  'path',
  'gateway',
  'external',
  'policy',
];

/** The kind of an entity by its key; undefined: no key of an entity (the head, or one of a later version). */
export function kindOfKey(key: string): StoredKind | undefined {
  const end = key.indexOf('/');
  const kind = end < 0 ? key : key.slice(0, end);
  return KINDS.includes(kind) ? (kind as StoredKind) : undefined;
}

/** What tells the entity from others of its kind in IntentChange. */
function changeKey(kind: StoredKind, value: EntityValue): string {
  if (kind === 'block') return BLOCK_KEY;
  if (kind === 'trusted') return TRUSTED_KEY;
  return kind === 'path' ? pathKey(value as Path) : (value as { name: string }).name;
}

/**
 * A change by the intent's keys. A port that goes to another tenant is two keys of the store and stays one port: see joinMoves.
 */
export function toIntentChange({ key, before, after }: StoredChange): IntentChange {
  const kind = kindOfKey(key);
  const value = after ?? before;
  if (kind === undefined || value === undefined) throw new Error(`${key}: no entity`);
  const change = { kind, key: changeKey(kind, value), ...(before !== undefined && { before }) };
  return { ...change, ...(after !== undefined && { after }) } as IntentChange;
}

/** All changes by the intent's keys, each entity once. */
export function toIntentChanges(changes: readonly StoredChange[]): IntentChange[] {
  const byKey = new Map<string, IntentChange>();
  for (const stored of changes) {
    const change = toIntentChange(stored);
    const id = `${change.kind} ${change.key}`;
    const other = byKey.get(id);
    byKey.set(id, other === undefined ? change : ({ ...other, ...change } as IntentChange));
  }
  return [...byKey.values()];
}

/** The same the other way; sources are the nodes'. */
export function toStoredChanges(changes: readonly IntentChange[]): StoredChange[] {
  return changes.flatMap(({ kind, before, after }): StoredChange[] => {
    if (kind === 'source') return [];
    const from = before === undefined ? undefined : keyOf(kind, before);
    const to = after === undefined ? undefined : keyOf(kind, after);
    const both = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
    if (from === undefined || to === undefined || from === to) return [{ key: from ?? to ?? kind, ...both }];
    return [
      { key: from, ...(before !== undefined && { before }) },
      { key: to, ...(after !== undefined && { after }) },
    ];
  });
}

/** The key as people write it: `port red-a`. */
export function keyText(key: string): string {
  const kind = kindOfKey(key);
  const rest = key.slice(key.indexOf('/') + 1);
  if (kind === 'port') return `port ${rest.slice(rest.indexOf('/') + 1)}`;
  return kind === undefined || kind === 'block' || kind === 'trusted' ? key : `${kind} ${rest}`;
}

/** Keys of a realm in etcd. */
export class RealmKeys {
  /** What feeds watch: the head and the entities. */
  readonly intent: string;
  readonly history: string;
  readonly quotas: string;
  readonly locks: string;
  /** What nodes say of themselves, by node: unwatched. */
  readonly status: string;
  /** When feeds heard of nodes, by feed: unwatched. */
  readonly seen: string;
  /** Operators' orders, by node: unwatched. */
  readonly ops: string;
  /** Tokens, and the certificates that were issued by them. */
  readonly enrollment: string;
  /** Certificates that no feed serves any more, which feeds watch. */
  readonly revoked: string;

  constructor(realm: string) {
    const root = `/segue/${FORMAT}/${realm}/`;
    this.intent = `${root}intent/`;
    this.history = `${root}history/`;
    this.quotas = `${root}quota/`;
    this.locks = `${root}lock/`;
    this.status = `${root}status/`;
    this.seen = `${root}seen/`;
    this.ops = `${root}ops/`;
    this.enrollment = `${root}enroll/`;
    this.revoked = `${root}revoked/`;
  }

  get head(): string {
    return `${this.intent}head`;
  }

  /** Sorted as its sequence. */
  historyOf(sequence: number, part?: number): string {
    const place = `${this.history}${String(sequence).padStart(16, '0')}/`;
    return part === undefined ? place : `${place}${String(part).padStart(8, '0')}`;
  }
}

/** The end of the range of all keys that begin with a text. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
