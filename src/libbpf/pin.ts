/** Pins: names in a bpffs that keep a map, a program or a link alive when nobody holds it. */
import { mkdirSync, readFileSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { check, LibbpfError } from './errors.js';
import { libbpf } from './ffi.js';

/** BPF_FS_MAGIC (linux/magic.h) */
const BPF_FS_MAGIC = 0xcafe4a11;

interface Mount {
  point: string;
  type: string;
  /** in a peer group: another mount namespace sees it too */
  propagated: boolean;
}

/** Lines of /proc/<pid>/mountinfo (proc(5)). */
function parseMounts(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const fields = left.split(' ');
      const point = (fields[4] ?? '').replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(parseInt(digits, 8)),
      );
      const propagated = fields.slice(6).some((field) => /^(shared|master):/.test(field));
      return { point, type: right.split(' ')[0] ?? '', propagated };
    });
}

/** The mount a path lies on: of those whose point it is below, the longest; of equals the last, which hides the others. */
function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const below = path === mount.point || path.startsWith(mount.point === '/' ? '/' : `${mount.point}/`);
    if (below && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

/**
 * Has a process above us, up to the first of all, another mount namespace? Then ours ends with some of them. Those we may not ask
 * (a container's init) do not count.
 */
function ownMountNamespace(): boolean {
  const ours = readlinkSync('/proc/thread-self/ns/mnt');
  let pid = process.ppid;
  while (pid > 0) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) !== ours) return true;
    } catch {
      // not ours to see, or gone
    }
    try {
      pid = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return false;
    }
  }
  return false;
}

function refuse(path: string, reason: string): never {
  throw new LibbpfError({ code: 'LIBBPF_PIN', operation: `pin ${path}`, reason });
}

/**
 * Refuses a directory where a pin would not last: one that is not on a bpffs, or on a bpffs that only this mount namespace
 * sees and that vanishes with it (`ip netns exec` gives each command a /sys of its own).
 * @throws LibbpfError LIBBPF_PIN
 */
export function checkBpffs(directory: string): void {
  let at = resolve(directory);
  for (;;) {
    try {
      if (statfsSync(at).type === BPF_FS_MAGIC) break;
      refuse(directory, `${at} is not on a bpffs (mount -t bpf bpf /sys/fs/bpf)`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || at === '/') throw error;
      at = dirname(at);
    }
  }
  if (!ownMountNamespace()) return;
  const mount = mountOf(at, parseMounts(readFileSync('/proc/thread-self/mountinfo', 'utf8')));
  if (mount?.propagated) return;
  refuse(
    directory,
    `the bpffs ${mount?.point ?? at} is private to this mount namespace and would vanish with it (ip netns exec?)`,
  );
}

/**
 * Pins a descriptor at a path in a bpffs, making the directories above it.
 * @throws LibbpfError LIBBPF_PIN, LIBBPF_EEXIST
 */
export function pinFd(fd: number, path: string, label: string): void {
  const directory = dirname(resolve(path));
  checkBpffs(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  check(libbpf().bpf_obj_pin(fd, path), `${label}: pin ${path}`);
}

/**
 * Pins many descriptors at paths of one bpffs, making the directories above them; the bpffs is looked at once.
 * @throws LibbpfError LIBBPF_PIN, LIBBPF_EEXIST
 */
export function pinAll(pins: readonly { path: string; fd: number }[]): void {
  const directories = new Set(pins.map(({ path }) => dirname(resolve(path))));
  for (const [at, directory] of [...directories].entries()) {
    if (at === 0) checkBpffs(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  for (const { path, fd } of pins) check(libbpf().bpf_obj_pin(fd, path), `pin ${path}`);
}

/** Descriptor of whatever is pinned at a path: a map, a program or a link. @throws LibbpfError LIBBPF_ENOENT */
export function openPinned(path: string): number {
  return openPin(path, 'object');
}

/** Descriptor of what is pinned at a path. @throws LibbpfError LIBBPF_ENOENT */
export function openPin(path: string, what: string): number {
  return check(libbpf().bpf_obj_get(path), `${what} pinned at ${path}: open`);
}

/** Removes a pin; one that is gone already is no error. What was pinned lives on while anything else holds it. */
export function unpin(path: string): void {
  rmSync(path, { force: true });
}
