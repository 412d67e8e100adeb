import { existsSync } from 'node:fs';
import { checkBpffs, LibbpfError, possibleCpus, probe } from 'libbpf-ts';
import { objectPath, PROGRAM_NAMES } from './programs.js';

/**
 * Why what is pinned cannot be read, undefined when it can, or nothing is: libbpf is not there, or too old.
 *
 * @param pinDirectory of the node
 */
export function unreadablePins(pinDirectory: string): string | undefined {
  if (!existsSync(pinDirectory)) return undefined;
  try {
    possibleCpus();
    return undefined;
  } catch (error) {
    if (error instanceof LibbpfError && error.code === 'LIBBPF_MISSING') return error.message;
    throw error;
  }
}

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
