import { readVersion } from '../agent/version.js';

/** Arguments that request only the version. */
export const VERSION_WORDS: readonly string[] = ['version', '--version', '-v', '-V'];

export function printVersion(): void {
  process.stdout.write(`${readVersion()}\n`);
}
