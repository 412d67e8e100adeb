import { existsSync } from 'node:fs';
import { checkBpffs, LibbpfError, possibleCpus, probe } from 'libbpf-ts';
import { objectPath, PROGRAM_NAMES } from './programs.js';

/**
 * Why pinned objects cannot be read: libbpf is missing or too old. Undefined if they can, or nothing is pinned.
 *
 * @param pinDirectory the node's directory of pins
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
 * Why the fast path cannot run on this machine; undefined if it can. It needs libbpf, tcx links in the kernel, the compiled programs, and a
 * persistent bpffs.
 *
 * @param pinDirectory directory in which maps, programs and links are to be pinned
 */
export function missingForFastpath(pinDirectory: string): string | undefined {
  try {
    probe.require('tcx');
    const missing = PROGRAM_NAMES.map(objectPath).find((path) => !existsSync(path));
    if (missing !== undefined) return `${missing} does not exist: expected the compiled programs (make build)`;
    checkBpffs(pinDirectory);
    return undefined;
  } catch (error) {
    if (error instanceof LibbpfError) return error.message;
    throw error;
  }
}
