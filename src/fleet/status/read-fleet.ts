/** All nodes of a realm with what they said of themselves, as the store has it. */
import { endOf } from '../keys.js';
import { readNodeOps } from '../ops.js';
import { parseJson, readHead, StoreError } from '../store/realm.js';
import { nodeStatusSchema } from './node-status.js';
import type { KeyValue } from '../rpc.js';
import type { IntentNode } from '../../intent/types.js';
import type { RealmKeys } from '../keys.js';
import type { NodeOps } from '../ops.js';
import type { EtcdClient } from '../store/etcd-client.js';
import type { Head } from '../types.js';
import type { NodeStatus, Seen, StoredStatus } from './node-status.js';

/** A node that was not heard of for so long is stale, milliseconds: it reports every 30 s, or as the fleet's size allows. */
const STALE_MS = 120_000;
/** A commit of so long ago should have reached every node that reports, milliseconds. */
const GRACE_MS = 10_000;
const KEYS_PER_RANGE = 2000;

/** Worst first: what a node's state is called by. */
export const STATES = [
  'refused',
  'failing',
  'stale',
  'silent',
  'behind',
  'held',
  'doctor',
  'drift',
  'waiting',
  'ok',
] as const;
export type NodeState = (typeof STATES)[number];

export interface FleetNode {
  name: string;
  state: NodeState;
  /** Why, where that is not the state's name. */
  why: string;
  /** When it was last heard of, milliseconds since 1970; undefined: never within a day. */
  seenMs?: number;
  feed?: string;
  /** What the kernel has, as of then. */
  applied?: number;
  /** Commits that it should have and lacks. */
  behind?: number;
  /** It has another part of the intent than its feed has for it. */
  differs?: true;
  ops?: NodeOps;
  status?: NodeStatus;
}

export interface FleetState {
  head: Head;
  nodes: FleetNode[];
}

/** @throws StoreError, EtcdError */
export async function readFleet(client: EtcdClient, keys: RealmKeys): Promise<FleetState> {
  const { head } = await readHead(client, keys);
  if (head === undefined) throw new StoreError('the realm holds no intent yet: segue intent apply -f sets it up');
  const [nodes, statuses, seen, ops] = await Promise.all([
    readAll<IntentNode>(client, `${keys.intent}node/`),
    readAll<StoredStatus>(client, keys.status),
    readAll<Record<string, Seen>>(client, keys.seen),
    readAll<unknown>(client, keys.ops),
  ]);
  const last = new Map<string, Seen>();
  for (const part of seen.values()) {
    for (const [name, one] of Object.entries(part)) if (one[0] > (last.get(name)?.[0] ?? 0)) last.set(name, one);
  }
  const now = Date.now();
  const rows = [...nodes.keys()].sort().map((name) => {
    const value = ops.get(name);
    return nodeOf(
      name,
      { head, now, stored: statuses.get(name), seen: last.get(name) },
      value === undefined ? undefined : readNodeOps(name, value),
    );
  });
  return { head, nodes: rows };
}

interface Facts {
  head: Head;
  now: number;
  stored: StoredStatus | undefined;
  seen: Seen | undefined;
}

function nodeOf(name: string, { head, now, stored, seen }: Facts, ops: NodeOps | undefined): FleetNode {
  const orders = ops === undefined ? {} : { ops };
  const parsed = stored === undefined ? undefined : nodeStatusSchema.safeParse(stored.status);
  if (stored === undefined || parsed?.success !== true)
    return { name, state: 'silent', why: 'no report within a day', ...orders };
  const status = parsed.data;
  const [seenMs, sequence, applied] =
    seen !== undefined && seen[0] > stored.atMs ? seen : [stored.atMs, status.sequence, status.applied];
  // What was committed since the report may be there by now.
  const isOld = head.timeMs + GRACE_MS < seenMs;
  const behind = Math.max((isOld ? head.sequence : sequence) - applied, 0);
  const { feed, differs } = stored;
  const row = { name, seenMs, feed, applied, behind, ...(differs && { differs }), ...orders, status };
  return { ...row, ...stateOf(row, now) };
}

function stateOf(
  { seenMs, behind, differs, status }: { seenMs: number; behind: number; differs?: true; status: NodeStatus },
  now: number,
): { state: NodeState; why: string } {
  const { refused, failing, failures, held, waiting, drift, doctor, staleSinceMs } = status;
  if (now - seenMs > STALE_MS) return { state: 'stale', why: `not heard of for ${ageText(now - seenMs)}` };
  if (refused !== null) return { state: 'refused', why: refused };
  if (failing || failures > 0)
    return { state: 'failing', why: failing ? 'the last task failed' : `${failures} objects fail` };
  if (staleSinceMs !== null)
    return { state: 'stale', why: `its feed has not heard of etcd for ${ageText(now - staleSinceMs)}` };
  if (differs === true) return { state: 'behind', why: 'another part of the intent than its feed has' };
  if (held) return { state: 'held', why: 'the removal guard holds the intent: SIGUSR2 lets it through' };
  if (behind > 0) return { state: 'behind', why: `${behind} commits behind` };
  if (doctor !== null && doctor.fail > 0)
    return { state: 'doctor', why: doctor.checks.find((check) => check.status === 'fail')?.what ?? '' };
  if (drift > 0) return { state: 'drift', why: `${drift} objects at the last sweep` };
  if (waiting > 0) return { state: 'waiting', why: `${waiting} objects wait for interfaces` };
  return { state: 'ok', why: '' };
}

export function ageText(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Values below a prefix, by the rest of their keys. */
async function readAll<Value>(client: EtcdClient, prefix: string): Promise<Map<string, Value>> {
  const values = new Map<string, Value>();
  const end = endOf(prefix);
  let key: Buffer = Buffer.from(prefix);
  for (;;) {
    const { kvs, more } = await client.range({ key, range_end: end, limit: KEYS_PER_RANGE }, { large: true });
    for (const kv of kvs) values.set(kv.key.toString().slice(prefix.length), valueOf<Value>(kv));
    const last = kvs.at(-1);
    if (!more || last === undefined) return values;
    key = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

function valueOf<Value>({ key, value }: KeyValue): Value {
  return parseJson(key.toString(), value.toString()) as Value;
}
