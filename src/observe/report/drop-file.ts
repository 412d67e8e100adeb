/** Saves samples of drop counters among a node's run-time files, which a reboot clears together with the counters. */
import { join } from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';
import type { DropSample } from './drop-history.js';

const FILE = 'drop-history.json';
const samplesSchema = z.array(
  z.strictObject({ at: z.number(), counts: z.record(z.string(), z.number().nonnegative()) }),
) satisfies z.ZodType<DropSample[]>;

/** @returns empty if there are none, or they are of another build */
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
