/** Reads all nodes of a realm with their statuses from the store. */
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

/** A node without a report for this long is stale, in milliseconds: nodes report every 30 s, or as the fleet's size allows. */
const STALE_MS = 120_000;
/** Every reporting node should have received a commit after this time, in milliseconds. */
const GRACE_MS = 10_000;
const KEYS_PER_RANGE = 2000;

/** States, worst first; a node's worst one is shown. */
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
  /** Reason, unless it is the state itself. */
  why: string;
  /** Time of the last report in milliseconds since 1970; undefined: none within a day. */
  seenMs?: number;
  feed?: string;
  /** Sequence in the kernel at that time. */
  applied?: number;
  /** Number of commits that it lacks. */
  behind?: number;
  /** Set if its part differs from its feed's. */
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
  // Commits since the report may have arrived by now.
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
  if (now - seenMs > STALE_MS) return { state: 'stale', why: `no report for ${ageText(now - seenMs)}` };
  if (refused !== null) return { state: 'refused', why: refused };
  if (failing || failures > 0)
    return { state: 'failing', why: failing ? 'the last task failed' : `${failures} objects fail` };
  if (staleSinceMs !== null)
    return { state: 'stale', why: `its feed has had no contact with etcd for ${ageText(now - staleSinceMs)}` };
  if (differs === true) return { state: 'behind', why: "its part of the intent differs from its feed's" };
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

/** Values below a prefix, by the remainder of their keys. */
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
