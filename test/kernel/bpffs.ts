/**
 * Before any test of the kernel: a bpffs, which a small machine has not until somebody mounts it. Each project runs this in vitest's own
 * process, where koffi can be loaded only once: so by programs.
 */
import { execFileSync } from 'node:child_process';

const BPFFS = '/sys/fs/bpf';

export function setup(): void {
  const type = execFileSync('stat', ['-f', '-c', '%T', BPFFS], { encoding: 'utf8' }).trim();
  if (type !== 'bpf_fs') execFileSync('mount', ['-t', 'bpf', 'bpf', BPFFS]);
}
