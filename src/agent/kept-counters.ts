/**
 * An agent's counters and journal, which outlive it among the node's run-time files. Prometheus takes a counter that falls for a reset and counts
 * its whole value again, so counters are saved before they are given to anybody.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../kernel/replace-file.js';
import { readRegularFile } from '../intent/regular-file.js';
import { NOTE_KINDS } from './journal.js';
import type { JournalState } from './journal.js';
import type { KeptCounters } from './telemetry.js';

const COUNTERS_FILE = 'counters.json';
const JOURNAL_FILE = 'journal.json';

const natural = z.int().nonnegative();
const counted = z.strictObject({ kind: z.string(), count: natural });
const histogram = z.strictObject({
  bounds: z.array(z.number()),
  counts: z.array(natural),
  sum: z.number().nonnegative(),
});
const counters = z.strictObject({
  repairs: z.array(counted.extend({ action: z.enum(['create', 'replace', 'delete']) })),
  failures: z.array(counted),
  events: z.array(counted),
  eventsLost: natural,
  readErrors: natural,
  tasks: z.strictObject({ intent: histogram, hint: histogram, sweep: histogram }),
  nft: histogram,
}) satisfies z.ZodType<KeptCounters>;

export const journalState = z.strictObject({
  since: z.number(),
  entries: z.array(
    z.strictObject({
      what: z.enum(NOTE_KINDS),
      kind: z.string().exactOptional(),
      action: z.string().exactOptional(),
      text: z.string(),
      first: z.number().describe('Seconds since 1970, as all times here.'),
      last: z.number(),
      count: natural,
    }),
  ),
  omitted: z.partialRecord(z.enum(NOTE_KINDS), natural),
}) satisfies z.ZodType<JournalState>;

/** @returns undefined if there are none, or they are of another build */
export function readKeptCounters(directory: string): KeptCounters | undefined {
  return readAs(counters, join(directory, COUNTERS_FILE));
}

export function readKeptJournal(directory: string): JournalState | undefined {
  return readAs(journalState, join(directory, JOURNAL_FILE));
}

export function keepCounters(directory: string, kept: KeptCounters): void {
  replaceFile(join(directory, COUNTERS_FILE), JSON.stringify(kept), 0o600);
}

export function keepJournal(directory: string, kept: JournalState): void {
  replaceFile(join(directory, JOURNAL_FILE), JSON.stringify(kept), 0o600);
}

function readAs<T>(schema: z.ZodType<T>, file: string): T | undefined {
  try {
    return schema.parse(JSON.parse(readRegularFile(file).toString()));
  } catch {
    return undefined;
  }
}
