import { checkBpffs, LibbpfError } from 'libbpf-ts';
import { PIN_ROOT, RUN_ROOT } from '../src/agent/instance.js';
import { withNodeLock } from '../src/kernel/lock.js';
import { outputOf } from './process.js';

/** Where systemd mounts the bpffs; containers and small systems often have none. */
const BPFFS = '/sys/fs/bpf';

/**
 * Mounts the bpffs if the machine has none, for the laboratory's fast path. It stays mounted, since others may have pins in it by then.
 *
 * @returns whether it was mounted now
 */
export function ensureBpffs(): Promise<boolean> {
  // Two processes that mount concurrently would shadow each other's mount.
  return withNodeLock(RUN_ROOT, async () => {
    try {
      checkBpffs(PIN_ROOT);
      return false;
    } catch (error) {
      if (!(error instanceof LibbpfError)) throw error;
    }
    await outputOf(undefined, ['mount', '-t', 'bpf', 'bpf', BPFFS]);
    return true;
  });
}
