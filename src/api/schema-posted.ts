/** Schemas of posted bodies and their answers. */
import { z } from 'zod';
import type { Trace } from '../observe/trace/types.js';

const text = z.string();
const int = z.int();
const MAX_WORD_CHARS = 256;
/** Used as a command's argument, so control characters are not allowed. */
const word = z
  .string({ error: 'expected text' })
  .regex(/^\P{Cc}*$/u, { error: 'expected text without control characters' })
  .min(1, { error: 'expected text' })
  .max(MAX_WORD_CHARS, { error: `expected at most ${MAX_WORD_CHARS} characters` });
const number = z.int({ error: 'expected a whole number' });

/** A packet, with the options of `segue trace`. */
export const traceQuestion = z
  .strictObject(
    {
      port: word.exactOptional().describe('The sender: a port of the intent, or its interface.'),
      tenant: word.exactOptional().describe('On a network node: the tenant of an arriving packet; needs from.'),
      to: word.describe('The destination, an address.'),
      from: word.exactOptional().describe("The source; default: the port's own address."),
      size: number.exactOptional().describe('Bytes of the inner packet with its IP header; default 84.'),
      proto: z.enum(['icmp', 'tcp', 'udp'], { error: 'expected icmp, tcp or udp' }).exactOptional(),
      sport: number.exactOptional().describe('TCP or UDP source port.'),
      dport: number.exactOptional().describe('TCP or UDP destination port.'),
      ttl: number.exactOptional().describe('TTL or hop limit as the VM sends it; default 64.'),
      syn: z.boolean({ error: 'expected true or false' }).exactOptional().describe('TCP: opens a connection.'),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? `expected no ${issue.keys.join(', ')}` : 'expected an object',
    },
  )
  .describe('A packet that a VM would send, or one that arrives at a network node.');
export type TraceQuestion = z.infer<typeof traceQuestion>;

export const trace = z.strictObject({
  node: text,
  port: text.nullable().describe('null: it is traced from a network node on.'),
  interface: text.nullable(),
  tenant: text,
  from: text,
  to: text,
  size: int.describe('Bytes.'),
  protocol: z.enum(['icmp', 'tcp', 'udp']),
  path: z.enum(['fastpath', 'kernel']),
  steps: z.array(
    z.strictObject({
      node: text,
      step: text,
      verdict: z.enum(['pass', 'planned', 'warn', 'drop']),
      text,
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
  verdict: z.enum(['delivered', 'sent', 'dropped']),
  reason: (text as z.ZodType<NonNullable<Trace['reason']>>).nullable(),
  text,
  next: z.strictObject({ node: text, command: text }).nullable(),
}) satisfies z.ZodType<Trace>;

export const releaseBody = z
  .strictObject({}, { error: 'expected {}' })
  .describe('Empty: the held intent is released as a whole.');

export const released = z.strictObject({ released: z.literal(true) });
