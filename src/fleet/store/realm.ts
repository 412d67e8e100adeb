/** Reads the committed intent of a realm from etcd. */
import type { RealmKeys } from '../keys.js';
import { endOf, kindOfKey } from '../keys.js';
import type { KeyValue, RangeResponse } from '../rpc.js';
import type { EntityValue, Head } from '../types.js';
import type { EtcdClient } from './etcd-client.js';

/** Tenants whose ports are read by one request, and concurrent requests. */
const TENANTS_PER_RANGE = 20;
const RANGES_AT_ONCE = 8;

/** The store is missing, or its contents are not segue's; nothing was changed. */
export class StoreError extends Error {
  readonly code = 'STORE';

  constructor(message: string) {
    super(message);
    this.name = 'StoreError';
  }
}

/** The head with its revision. */
export interface HeadState {
  head: Head | undefined;
  /** 0: it was never written. */
  modRevision: number;
  /** Revision of the store at the time of reading. */
  revision: number;
  cluster: number;
}

export interface RealmState {
  head: Head;
  /** Revision after which a watch continues. */
  revision: number;
  cluster: number;
  /** Entities by key below the realm's prefix. */
  entities: Map<string, EntityValue>;
}

/** @throws StoreError for a value that this version of segue did not write */
export function parseHead(text: string): Head {
  const head = parseJson('head', text) as Head;
  if ((head.format as number) !== 1)
    throw new StoreError(`head: format ${String(head.format)}: expected 1; a newer segue wrote it`);
  return head;
}

/** @throws StoreError */
export function parseJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StoreError(`${key}: no JSON: ${(error as Error).message}`);
  }
}

export async function readHead(client: EtcdClient, keys: RealmKeys, revision = 0): Promise<HeadState> {
  const { header, kvs } = await client.range({ key: Buffer.from(keys.head), ...(revision > 0 && { revision }) });
  const [kv] = kvs;
  return {
    head: kv && parseHead(kv.value.toString()),
    modRevision: kv?.mod_revision ?? 0,
    revision: header.revision,
    cluster: header.cluster_id,
  };
}

/**
 * Reads a whole realm as of its last commit; an unfinished commit is excluded.
 *
 * @returns undefined if the realm was never set up
 * @throws StoreError, EtcdError
 */
export async function readRealm(client: EtcdClient, keys: RealmKeys): Promise<RealmState | undefined> {
  const now = await readHead(client, keys);
  if (now.head === undefined) return undefined;
  const at = await committedRevision(client, keys, now);
  const { head } = await readHead(client, keys, at);
  if (head === undefined) return undefined;
  const entities = new Map<string, EntityValue>();
  const take = (kvs: readonly KeyValue[]): void => {
    for (const { key, value } of kvs) {
      const below = key.toString().slice(keys.intent.length);
      if (kindOfKey(below) !== undefined) entities.set(below, parseJson(below, value.toString()) as EntityValue);
    }
  };
  const range = async (from: string | Buffer, to: string | Buffer): Promise<RangeResponse> =>
    client.range({ key: Buffer.from(from), range_end: Buffer.from(to), revision: at }, { large: true });
  const ports = `${keys.intent}port/`;
  take((await range(keys.intent, ports)).kvs);
  take((await range(endOf(ports), endOf(keys.intent))).kvs);
  // For each page of a long range etcd counts all remaining keys; ranges between tenants avoid that.
  const tenants = [...entities.keys()]
    .filter((key) => key.startsWith('tenant/'))
    .map((key) => key.slice('tenant/'.length));
  const cuts = tenants
    .sort(byBytes)
    .filter((_, i) => i % TENANTS_PER_RANGE === 0)
    .slice(1);
  const bounds = [Buffer.from(ports), ...cuts.map((tenant) => Buffer.from(`${ports}${tenant}/`)), endOf(ports)];
  for (let i = 0; i + 1 < bounds.length; i += RANGES_AT_ONCE) {
    const pairs = bounds.slice(i, i + RANGES_AT_ONCE).map((from, j) => [from, bounds[i + j + 1]] as const);
    const asked = pairs.flatMap(([from, to]) => (to === undefined ? [] : [range(from, to)]));
    for (const { kvs } of await Promise.all(asked)) take(kvs);
  }
  return { head, revision: at, cluster: now.cluster, entities };
}

function byBytes(a: string, b: string): number {
  // Compared with the separator, since a tenant's name may be a prefix of another's.
  return Buffer.compare(Buffer.from(`${a}/`), Buffer.from(`${b}/`));
}

/** The newest revision without an unfinished commit. */
async function committedRevision(client: EtcdClient, keys: RealmKeys, from: HeadState): Promise<number> {
  let { head, modRevision, revision } = from;
  while (head?.pending !== undefined) {
    revision = modRevision - 1;
    ({ head, modRevision } = await readHead(client, keys, revision));
  }
  return revision;
}
