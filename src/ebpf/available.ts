import { existsSync } from 'node:fs';
import { checkBpffs, LibbpfError, probe } from '../libbpf/index.js';
import { objectPath, PROGRAM_NAMES } from './programs.js';

/**
 * Why the fast path cannot run on this machine, undefined when it can: libbpf, the kernel's tcx links, the compiled
 * programs, and a bpffs that lasts.
 *
 * @param pinDirectory where maps, programs and links are to be pinned
 */
export function missingForFastpath(pinDirectory: string): string | undefined {
  try {
    probe.require('tcx');
    const missing = PROGRAM_NAMES.map(objectPath).find((path) => !existsSync(path));
    if (missing !== undefined) return `${missing} is not there: expected the compiled programs (make build)`;
    checkBpffs(pinDirectory);
    return undefined;
  } catch (error) {
    if (error instanceof LibbpfError) return error.message;
    throw error;
  }
}
