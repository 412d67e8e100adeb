import { libcExit } from './libc.js';

/**
 * Ends the process at once: no `exit` listeners, and no waiting for worker threads, as process.exit does: one that parses a large JSON text cannot
 * be interrupted for seconds.
 */
export function exitNow(code: number): never {
  libcExit(code);
  throw new Error('_exit returned');
}
