import { libcExit } from './libc.js';

/**
 * Ends the process at once. Unlike process.exit it neither runs `exit` listeners nor waits for worker threads: one that parses a large JSON text
 * cannot be interrupted for seconds.
 */
export function exitNow(code: number): never {
  libcExit(code);
  throw new Error('_exit returned');
}
