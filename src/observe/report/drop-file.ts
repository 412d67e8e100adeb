/** Samples of what was dropped, among a node's run-time files: as the counters they go with a reboot. */
import { join } from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';
import type { DropSample } from './drop-history.js';

const FILE = 'drop-history.json';
const samplesSchema = z.array(
  z.strictObject({ at: z.number(), counts: z.record(z.string(), z.number().nonnegative()) }),
) satisfies z.ZodType<DropSample[]>;

/** @returns none where there are none yet, or none of this build's */
export function readDropSamples(directory: string): DropSample[] {
  try {
    return samplesSchema.parse(JSON.parse(readRegularFile(join(directory, FILE)).toString()));
  } catch {
    return [];
  }
}

/** @throws Error of the file system */
export function keepDropSamples(directory: string, samples: readonly DropSample[]): void {
  replaceFile(join(directory, FILE), JSON.stringify(samples), 0o600);
}
