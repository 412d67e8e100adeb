/**
 * Before any test of the kernel: a bpffs, which a small machine has not until somebody mounts it. Each project runs this in vitest's own
 * process, where koffi can be loaded only once: so by programs, under the lock that ensureBpffs() takes, for two suites may begin at once.
 */
import { execFileSync } from 'node:child_process';

const SCRIPT = `mkdir -p /run/segue
exec 9>>/run/segue/lock
flock 9
[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ] || mount -t bpf bpf /sys/fs/bpf`;

export function setup(): void {
  execFileSync('bash', ['-euc', SCRIPT]);
}
