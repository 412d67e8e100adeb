/** What a node says of itself to its feed, and what the store keeps of it. */
import { z } from 'zod';
import { STAGES } from './latency.js';
import type { Latency } from './latency.js';

/** Bytes of a report. */
const MAX_STATUS_BYTES = 16_384;
/** Kinds of drift, and checks of doctor's, of one report; more are counted. */
export const MAX_LISTED = 16;
/** Characters of a text of a report. */
const MAX_TEXT_CHARS = 200;

const text = z.string().max(MAX_TEXT_CHARS);
const count = z.int().min(0);
const timeMs = z.number().min(0);
const histogram = z.array(count).max(32);

/** Keys that a later version adds are left out by an older feed. */
export const nodeStatusSchema = z.object({
  /** segue's version. */
  version: text,
  /** Of the protocol between feeds and nodes. */
  protocol: count,
  /** Of the intent's schema. */
  schema: count,
  dataplane: text,
  startedMs: timeMs,
  /** Of the intent as the node has received it. */
  epoch: text,
  sequence: count,
  /** The sequence up to which the kernel has all. */
  applied: count,
  /** Of the node's part of the intent, see digest.ts. */
  digest: text,
  /** Ports of the node's own, as the agent has them. */
  ports: count,
  /** Objects that somebody had changed, at the last sweep. */
  drift: count,
  driftKinds: z.array(z.object({ kind: text, action: text, count })).max(MAX_LISTED),
  /** Objects that were put right since the agent started. */
  repairs: count,
  /** Objects that wait for their interface. */
  waiting: count,
  /** Objects that could not be made when they were last tried. */
  failures: count,
  /** The last task failed as a whole, and is tried again. */
  failing: z.boolean(),
  /** The removal guard holds a newer intent. */
  held: z.boolean(),
  /** Why what the feed tells is not taken. */
  refused: text.nullable(),
  /** Since when no feed had answered before this report's, or the feed had not heard of etcd; null: all is followed. */
  staleSinceMs: timeMs.nullable(),
  certificateEndsMs: timeMs.nullable(),
  doctor: z
    .object({
      atMs: timeMs,
      ...{ ok: count, warn: count, fail: count },
      /** What is not well, failures first. */
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

/** As the store has it. */
export interface StoredStatus {
  /** When the feed took it, by the feed's clock, milliseconds since 1970. */
  atMs: number;
  feed: string;
  /** The node has another part of the intent than the feed has for it, at the same sequence. */
  differs?: true;
  status: NodeStatus;
}

/** When a node was heard of (milliseconds since 1970), what it had received then, and what it had carried out. */
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
