/** Keys of entities below a realm's prefix, and their conversion from and to changes of the intent. */
import { createHash } from 'node:crypto';
import { BLOCK_KEY, TRUSTED_KEY } from '../intent/change.js';
import type { IntentChange, Port } from '../intent/types.js';
import { STORED_KINDS } from './types.js';
import type { EntityValue, StoredChange, StoredKind } from './types.js';
import { pathKey, type Path } from '../encap/path.js';

/** Must be raised with any change of keys or values that an older segue cannot read. */
const FORMAT = 'v1';
/** Characters of a path's key; a longer one, for thousands of tenants, contains a hash of their names. */
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

/** The kind of an entity's key; undefined for other keys (the head, or keys of later versions). */
export function kindOfKey(key: string): StoredKind | undefined {
  const end = key.indexOf('/');
  const kind = end < 0 ? key : key.slice(0, end);
  return STORED_KINDS.find((one) => one === kind);
}

/** The entity's key in IntentChange, unique within its kind. */
function changeKey(kind: StoredKind, value: EntityValue): string {
  if (kind === 'block') return BLOCK_KEY;
  if (kind === 'trusted') return TRUSTED_KEY;
  return kind === 'path' ? pathKey(value as Path) : (value as { name: string }).name;
}

/**
 * A change with the intent's key. A port that moves to another tenant has two keys in the store and remains one port; see joinMoves.
 */
export function toIntentChange({ key, before, after }: StoredChange): IntentChange {
  const kind = kindOfKey(key);
  const value = after ?? before;
  if (kind === undefined || value === undefined) throw new Error(`${key}: no entity`);
  const change = { kind, key: changeKey(kind, value), ...(before !== undefined && { before }) };
  return { ...change, ...(after !== undefined && { after }) } as IntentChange;
}

/** Changes with the intent's keys, one for each entity. */
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

/** Converts changes of an intent to those of the store; outer sources belong to the nodes. */
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

/** A key for people: `port red-a`. */
export function keyText(key: string): string {
  const kind = kindOfKey(key);
  const rest = key.slice(key.indexOf('/') + 1);
  if (kind === 'port') return `port ${rest.slice(rest.indexOf('/') + 1)}`;
  return kind === undefined || kind === 'block' || kind === 'trusted' ? key : `${kind} ${rest}`;
}

/** Keys of a realm in etcd. */
export class RealmKeys {
  /** Prefix that feeds watch: the head and the entities. */
  readonly intent: string;
  readonly history: string;
  readonly quotas: string;
  readonly locks: string;
  /** Nodes' statuses, by node; not watched. */
  readonly status: string;
  /** Last-seen times of nodes, by feed; not watched. */
  readonly seen: string;
  /** Operators' orders by node; not watched. */
  readonly ops: string;
  /** Tokens, and certificates issued for them. */
  readonly enrollment: string;
  /** Revoked certificates, which feeds watch. */
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

  /** Keys sort by sequence. */
  historyOf(sequence: number, part?: number): string {
    const place = `${this.history}${String(sequence).padStart(16, '0')}/`;
    return part === undefined ? place : `${place}${String(part).padStart(8, '0')}`;
  }
}

/** End of the range of all keys with a prefix. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
