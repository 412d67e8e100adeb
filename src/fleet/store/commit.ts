/** The operations of a commit: transactions guarded by the head's revision. */
import { endOf } from '../keys.js';
import type { Compare, RequestOp } from '../rpc.js';
import type { RealmKeys } from '../keys.js';
import type { Head, HistoryPart, StoredChange } from '../types.js';

/** etcd allows 128 operations in a transaction by default; these include the head, a part of the history, and pruning. */
const MAX_OPS = 100;
/** etcd allows 1.5 MiB in a request by default; a change occurs in it up to three times. */
const MAX_JSON_CHARS = 400_000;
/** Commits kept for history and rollback. */
const HISTORY_COMMITS = 10_000;

/** Splits changes into parts that fit into one transaction. */
export function partsOf(changes: readonly StoredChange[]): StoredChange[][] {
  const parts: StoredChange[][] = [];
  let part: StoredChange[] = [];
  let chars = 0;
  for (const change of changes) {
    const size = JSON.stringify(change).length;
    if (part.length > 0 && (part.length === MAX_OPS || chars + size > MAX_JSON_CHARS)) {
      parts.push(part);
      part = [];
      chars = 0;
    }
    part.push(change);
    chars += size;
  }
  return [...parts, part];
}

export function opsOf(keys: RealmKeys, changes: readonly StoredChange[]): RequestOp[] {
  return changes.map(({ key, after }) =>
    after === undefined ? del(keys.intent + key) : put(keys.intent + key, after),
  );
}

/** The operations that restore what a part of a commit replaced. */
export function undoOps(keys: RealmKeys, { sequence, part, changes }: HistoryPart): RequestOp[] {
  const inverse = changes.map(({ key, before }): StoredChange => ({
    key,
    ...(before !== undefined && { after: before }),
  }));
  return [...opsOf(keys, inverse), del(keys.historyOf(sequence, part))];
}

export function headOps(keys: RealmKeys, head: Head): RequestOp[] {
  const ops = [put(keys.head, head)];
  const oldest = head.sequence - HISTORY_COMMITS;
  if (head.pending !== undefined || oldest <= 0) return ops;
  const place = keys.historyOf(oldest);
  return [...ops, { request_delete_range: { key: Buffer.from(place), range_end: endOf(place) } }];
}

export function put(key: string, value: unknown, lease = 0): RequestOp {
  return {
    request_put: { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)), ...(lease > 0 && { lease }) },
  };
}

export function del(key: string): RequestOp {
  return { request_delete_range: { key: Buffer.from(key) } };
}

/** @param revision 0: the key must not exist */
export function isAt(key: string, revision: number): Compare {
  return { result: 'EQUAL', target: 'MOD', key: Buffer.from(key), mod_revision: revision };
}

export function isAbsent(key: string): Compare {
  return { result: 'EQUAL', target: 'CREATE', key: Buffer.from(key), create_revision: 0 };
}
