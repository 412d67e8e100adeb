/** The frame of a benchmark that makes namespaces: whatever ends it, what it made is removed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { claim } from './claim.js';
import { interrupt, isInterrupted } from './processes.js';
import { tell } from './tell.js';
import type { Claim } from './claim.js';

const EXIT_INTERRUPTED = 130;

/**
 * Runs a benchmark with names of its own. SIGINT and SIGTERM end what it runs, so that it fails, and everything is
 * removed then; a second one changes nothing. After SIGKILL the next benchmark removes it (claim.ts).
 */
export async function session(body: (names: Claim) => Promise<void>): Promise<void> {
  const onSignal = (): void => {
    if (isInterrupted()) return;
    tell('interrupted: cleaning up, which takes seconds');
    interrupt();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const names = await claim();
  try {
    await body(names);
  } catch (error) {
    if (!isInterrupted()) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    await names.release();
  }
}

export function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(value, undefined, 1) + '\n');
}
