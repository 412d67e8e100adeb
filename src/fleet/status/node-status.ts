/** A node's status as reported to its feed, and as stored. */
import { z } from 'zod';
import { STAGES } from './latency.js';
import type { Latency } from './latency.js';

/** Size limit of a report in bytes. */
const MAX_STATUS_BYTES = 16_384;
/** Kinds of drift, and checks of the doctor, in a report; more are only counted. */
export const MAX_LISTED = 16;
/** Characters of a text in a report. */
const MAX_TEXT_CHARS = 200;

const text = z.string().max(MAX_TEXT_CHARS);
const count = z.int().min(0);
const timeMs = z.number().min(0);
const histogram = z.array(count).max(32);

/** Older feeds drop keys that later versions add. */
export const nodeStatusSchema = z.object({
  /** segue's version. */
  version: text,
  /** Version of the protocol between feeds and nodes. */
  protocol: count,
  /** Version of the intent's schema. */
  schema: count,
  dataplane: text,
  startedMs: timeMs,
  /** Position of the node's received part. */
  epoch: text,
  sequence: count,
  /** The sequence up to which the kernel has everything. */
  applied: count,
  /** Digest of the node's part (digest.ts). */
  digest: text,
  /** The node's own ports in the agent's intent. */
  ports: count,
  /** Drift that the last sweep found. */
  drift: count,
  driftKinds: z.array(z.object({ kind: text, action: text, count })).max(MAX_LISTED),
  /** Drift repaired since the agent started. */
  repairs: count,
  /** Objects that wait for their interface. */
  waiting: count,
  /** Objects that could not be made when last tried. */
  failures: count,
  /** Whether the last task threw; it is retried. */
  failing: z.boolean(),
  /** Whether the removal guard holds a newer intent. */
  held: z.boolean(),
  /** Why the feed's intent is refused; null: it is not. */
  refused: text.nullable(),
  /** Since when, before this report, no feed answered or the feed had not reached etcd; null: up to date. */
  staleSinceMs: timeMs.nullable(),
  certificateEndsMs: timeMs.nullable(),
  doctor: z
    .object({
      atMs: timeMs,
      ...{ ok: count, warn: count, fail: count },
      /** Problems, failures first. */
      checks: z.array(z.object({ name: text, status: z.enum(['warn', 'fail']), what: text })).max(MAX_LISTED),
    })
    .nullable(),
  cpuSeconds: z.number().min(0),
  residentBytes: count,
  latency: z.object(
    Object.fromEntries(STAGES.map((stage) => [stage, histogram])) as Record<keyof Latency, typeof histogram>,
  ),
});

export type NodeStatus = z.infer<typeof nodeStatusSchema>;

/** A status in the store. */
export interface StoredStatus {
  /** When the feed received it by its own clock, in milliseconds since 1970. */
  atMs: number;
  feed: string;
  /** Set if the node's part differs from the feed's at the same sequence. */
  differs?: true;
  status: NodeStatus;
}

/** Time of a node's last report (milliseconds since 1970), and the sequences received and carried out then. */
export type Seen = readonly [atMs: number, sequence: number, applied: number];

/** @throws Error that says what is wrong with a report */
export function readNodeStatus(bytes: Buffer): NodeStatus {
  if (bytes.length > MAX_STATUS_BYTES) throw new Error(`${bytes.length} bytes: expected at most ${MAX_STATUS_BYTES}`);
  const parsed = nodeStatusSchema.safeParse(JSON.parse(bytes.toString()));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a status'}`);
}

export function clip(value: string): string {
  return value.length <= MAX_TEXT_CHARS ? value : `${value.slice(0, MAX_TEXT_CHARS - 1)}…`;
}
