/** Schema of a node's report. */
import { z } from 'zod';
import { journalState } from '../agent/kept-counters.js';
import { doctor } from './schema-agent.js';
import type { NodeReport } from '../observe/report/report.js';

const text = z.string();
const time = z.number().describe('Seconds since 1970.');
const { entries, omitted } = journalState.shape;

export const nodeReport = z.strictObject({
  node: text,
  version: text,
  at: time,
  seconds: z.number().describe('Length of the period.'),
  since: time.nullable().describe('Nothing is known from before this time.'),
  quiet: z.boolean().describe('Nothing needs attention.'),
  agent: z.strictObject({ startedAt: time, ready: z.boolean(), failing: z.boolean() }).nullable(),
  intent: z
    .strictObject({
      ...{ digest: text.nullable(), appliedAt: time.nullable(), held: z.boolean(), heldAt: time.nullable() },
      ...{ refused: text.nullable(), refusedAt: time.nullable() },
    })
    .nullable(),
  drift: z
    .strictObject({
      count: z.int(),
      changes: z.array(z.strictObject({ kind: text, action: text, object: text })).describe('At most 50.'),
    })
    .nullable(),
  ...{ repairs: entries, failures: entries, refused: entries, held: entries, lost: entries, starts: entries },
  omitted,
  doctor: doctor.omit({ node: true }).nullable().describe('Checks with a warning or a failure.'),
  drops: z
    .strictObject({
      since: time.nullable(),
      reasons: z.array(z.strictObject({ where: text, reason: text, packets: z.int() })).describe('At most 10.'),
      others: z.int(),
    })
    .nullable(),
  problems: z.array(z.strictObject({ part: z.enum(['agent', 'drift', 'doctor', 'drops']), detail: text })),
}) satisfies z.ZodType<NodeReport>;
