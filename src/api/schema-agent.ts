/** Schemas of answers about the agent and its work. */
import { z } from 'zod';
import type { Diagnosis } from '../observe/doctor/types.js';
import type { AgentState } from '../agent/telemetry.js';
import type { ProblemBody } from './protocol.js';

const text = z.string();
const seconds = z.number().describe('Seconds.');
const time = z.number().describe('Seconds since 1970.');
const action = z.enum(['create', 'replace', 'delete']);
const count = z.strictObject({ kind: text, count: z.int() });
const actionCount = count.extend({ action });

export const problem = z.strictObject({
  type: text,
  title: text,
  status: z.int(),
  detail: text.describe('What was found and what was expected.'),
  code: text.describe('For scripts.'),
}) satisfies z.ZodType<ProblemBody>;

export const health = z.strictObject({ status: z.enum(['ok', 'ready']) });

const intentState = {
  digest: text.nullable().describe('SHA-256 of the applied file.'),
  appliedAt: time.nullable(),
  held: z.boolean().describe('The guard against mass removal holds a newer one.'),
  heldAt: time.nullable(),
  refused: text.nullable().describe('Why the present file is not applied.'),
  refusedAt: time.nullable(),
  readErrors: z.int(),
};
const degraded = text.nullable().describe('Why names are those of an earlier intent.');

export const status = z.strictObject({
  node: text,
  version: text,
  nodeFile: text,
  netns: text.nullable(),
  dataplane: z.enum(['hybrid', 'kernel', 'ebpf']),
  pid: z.int(),
  startedAt: time,
  ready: z.boolean(),
  intent: z.strictObject(intentState) satisfies z.ZodType<AgentState['intent']>,
  queue: z.strictObject({
    length: z.int().describe('Tasks that wait or run.'),
    busySeconds: seconds,
    progress: text,
    failing: z.boolean(),
    failure: text.nullable().describe('Why the last task failed.'),
  }) satisfies z.ZodType<AgentState['queue']>,
  lastSweepAt: time.nullable(),
  sweepSeconds: seconds.describe('Between two sweeps.'),
  drift: z.array(actionCount).describe('Objects that the last sweep found changed by others.'),
  repairs: z.array(actionCount),
  failures: z.array(count),
  failing: z.int().describe('Objects whose last attempt failed.'),
  waiting: z.int().describe('Objects that wait for their interface.'),
  events: z.array(count).describe('Notifications of the kernel.'),
  eventsLost: z.int(),
  nft: z.strictObject({ bounds: z.array(z.number()), counts: z.array(z.int()), sum: seconds }),
  tasks: z.record(z.enum(['intent', 'hint', 'sweep']), z.strictObject({ count: z.int(), seconds })),
  process: z.strictObject({
    cpuSeconds: seconds,
    residentBytes: z.int(),
    heapBytes: z.int(),
    loopDelay: z.strictObject({ p50: seconds, p99: seconds, max: seconds }),
  }) satisfies z.ZodType<AgentState['process']>,
  ports: z.strictObject({
    up: z.int(),
    down: z.int(),
    'no-carrier': z.int(),
    waiting: z.int(),
    detached: z.int(),
  }),
  underlay: z.strictObject({ resolved: z.int(), unresolved: z.array(text) }),
  degraded,
});

export const intent = z.strictObject({
  file: text,
  ...intentState,
  degraded,
  intent: z
    .looseObject({
      version: z.literal(1),
      sidBlock: text,
      nodes: z.array(z.looseObject({ name: text, locator: text })),
    })
    .describe("The node's part, canonical (docs/intent.md), without the ports on other nodes."),
});

export const diff = z.strictObject({
  node: text,
  changes: z.array(
    z.strictObject({
      kind: text,
      action,
      object: text,
      differences: z.array(z.looseObject({ field: text })),
    }),
  ),
  waiting: z.array(z.strictObject({ kind: text, key: text, device: text })),
  unreachable: z.array(z.looseObject({ destination: text, reason: text })),
});

const checks = z.array(
  z.strictObject({
    group: z.enum([
      ...(['kernel', 'node', 'sysctl', 'uplink', 'underlay'] as const),
      ...(['gateway', 'edge', 'firewall', 'port', 'manager', 'agent'] as const),
    ]),
    name: text.describe('Stable, for scripts.'),
    status: z.enum(['ok', 'warn', 'fail']),
    what: text,
    advice: text.exactOptional(),
  }),
);

export const doctor = z.strictObject({
  node: text,
  ok: z.int(),
  warn: z.int(),
  fail: z.int(),
  checks,
}) satisfies z.ZodType<Diagnosis>;
