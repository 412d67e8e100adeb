import { readVersion } from '../agent/version.js';

/** What asks for the version and for nothing else. */
export const VERSION_WORDS: readonly string[] = ['version', '--version', '-v', '-V'];

export function printVersion(): void {
  process.stdout.write(`${readVersion()}\n`);
}
