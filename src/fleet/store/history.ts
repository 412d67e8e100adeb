/** Reads the history of commits, newest first or in order, from their stored parts. */
import { endOf } from '../keys.js';
import { parseJson, StoreError } from './realm.js';
import type { RealmKeys } from '../keys.js';
import type { Head, HistoryPart, StoredChange } from '../types.js';
import type { EtcdClient } from './etcd-client.js';

/** Parts read at a time. */
const PARTS_PER_RANGE = 200;

/** A commit with all its parts. */
export interface Commit extends Omit<HistoryPart, 'part'> {
  parts: number;
}

/**
 * Commits between two sequences, both inclusive, in order; pruned ones are missing.
 *
 * @throws EtcdError
 */
export async function readHistory(client: EtcdClient, keys: RealmKeys, from: number, to: number): Promise<Commit[]> {
  const commits: Commit[] = [];
  let key: Buffer = Buffer.from(keys.historyOf(Math.max(from, 0)));
  const end = Buffer.from(keys.historyOf(to + 1));
  for (;;) {
    const { kvs, more } = await client.range({ key, range_end: end, limit: PARTS_PER_RANGE });
    for (const { key: place, value } of kvs) {
      const { part, changes, ...rest } = parseJson(place.toString(), value.toString()) as HistoryPart;
      const last = commits.at(-1);
      if (part === 0 || last?.sequence !== rest.sequence) commits.push({ ...rest, parts: 1, changes });
      else {
        last.parts += 1;
        last.changes.push(...changes);
      }
    }
    const last = kvs.at(-1);
    if (!more || last === undefined) return commits;
    key = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

/** The stored parts of a commit. */
export async function readParts(client: EtcdClient, keys: RealmKeys, sequence: number): Promise<HistoryPart[]> {
  const place = keys.historyOf(sequence);
  const { kvs } = await client.range({ key: Buffer.from(place), range_end: endOf(place) }, { large: true });
  return kvs.map(({ key, value }) => parseJson(key.toString(), value.toString()) as HistoryPart);
}

/**
 * The changes that restore the intent as of a commit.
 *
 * @throws StoreError if history does not reach back that far
 */
export async function changesBackTo(
  client: EtcdClient,
  keys: RealmKeys,
  head: Head,
  sequence: number,
): Promise<StoredChange[]> {
  if (sequence >= head.sequence)
    throw new StoreError(`sequence ${sequence}: expected less than ${head.sequence}, the intent's`);
  const commits = await readHistory(client, keys, sequence + 1, head.sequence);
  const expected = head.sequence - sequence;
  if (commits.length !== expected) {
    const oldest = (commits[0]?.sequence ?? head.sequence + 1) - 1;
    throw new StoreError(`sequence ${sequence}: expected at least ${oldest}, where the history begins`);
  }
  // A key's first `before` value is the one at that time.
  const back = new Map<string, StoredChange>();
  for (const { changes } of commits) {
    for (const { key, before } of changes) {
      if (!back.has(key)) back.set(key, { key, ...(before !== undefined && { after: before }) });
    }
  }
  return [...back.values()];
}
