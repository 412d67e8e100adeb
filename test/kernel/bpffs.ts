/** Before any test of the kernel: a bpffs, which a small machine has not until somebody mounts it. */
import { ensureBpffs } from '../../src/lab/bpffs.js';

export async function setup(): Promise<void> {
  await ensureBpffs();
}
