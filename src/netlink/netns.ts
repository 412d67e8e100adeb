/** Named network namespaces, as `ip netns` keeps them: files in /run/netns with a namespace mounted on each. */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { NetnsError, SystemCallError } from './error.js';
import { check, lastErrno, libcMount, libcSetns, libcUmount2, libcUnshare } from './ffi.js';

export const NETNS_DIRECTORY = '/run/netns';

const CLONE_NEWNET = 0x40000000;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 0x100000;
const MNT_DETACH = 2;
const EINVAL = 22;

/** Path of a named namespace's file. */
export function netnsPath(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new NetnsError('NETNS_NAME', `network namespace "${name}": expected a file name`);
  }
  return `${NETNS_DIRECTORY}/${name}`;
}

/**
 * Opens a named namespace, for link requests that move a device (netnsFd). The caller closes it.
 * @throws NetnsError NETNS_ABSENT
 */
export function openNetns(name: string): number {
  const path = netnsPath(name);
  try {
    return openSync(path, 'r');
  } catch (error) {
    // Anything else, such as no descriptor left, says nothing of the namespace.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new NetnsError('NETNS_ABSENT', `network namespace ${name}: expected ${path} (ip netns add ${name})`, error);
  }
}

/** statfs(2) of what a namespace is mounted on (NSFS_MAGIC, linux/magic.h). */
const NSFS_MAGIC = 0x6e736673;

/**
 * Tells the namespace behind a name from another that had the name before, as long as something keeps that one alive.
 *
 * @returns undefined while there is none: the name is gone, or the namespace is not mounted on it yet
 */
export function netnsIdentity(name: string): string | undefined {
  const path = netnsPath(name);
  try {
    if (statfsSync(path).type !== NSFS_MAGIC) return undefined;
    const { dev, ino } = statSync(path);
    return `${dev}-${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The calling thread's namespace: in a worker /proc/self would be the main thread's. */
function openCurrentNetns(): number {
  return openSync('/proc/thread-self/ns/net', 'r');
}

function enter(fd: number, what: string): void {
  check(libcSetns(fd, CLONE_NEWNET), 'setns', what);
}

/**
 * Runs fn with the calling thread in a named network namespace, and comes back whatever happens; 28 µs.
 * Only what fn does synchronously on this thread is inside: sockets it opens stay in the namespace for good, files
 * under /proc/sys/net and /proc/thread-self/net are the namespace's, and child processes it starts (spawn as well as
 * spawnSync: libuv forks on the calling thread) are born in it. Promises, streams, fs callbacks and everything else
 * that runs on libuv's pool or later are outside. The mount namespace is not changed, so /sys is the host's.
 * @param name namespace; undefined runs fn where we are
 * @throws NetnsError; what fn throws
 */
export function inNetns<T>(name: string | undefined, fn: () => T): T {
  if (name === undefined) return fn();
  const target = openNetns(name);
  let home: number | undefined;
  try {
    home = openCurrentNetns();
    try {
      enter(target, `enter network namespace ${name}`);
    } catch (error) {
      throw new NetnsError('NETNS_ENTER', error instanceof Error ? error.message : `network namespace ${name}`, error);
    }
    try {
      const result = fn();
      if (result instanceof Promise) {
        throw new NetnsError('NETNS_ASYNC', `network namespace ${name}: expected a synchronous function`);
      }
      return result;
    } finally {
      enter(home, `return from network namespace ${name}`);
    }
  } finally {
    closeSync(target);
    if (home !== undefined) closeSync(home);
  }
}

/** Names of the namespaces in /run/netns. */
export function listNetns(): string[] {
  try {
    return readdirSync(NETNS_DIRECTORY).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** A mount of /run/netns that others see too (iproute2, ip/ipnetns.c, netns_add). */
function shareNetnsDirectory(): void {
  mkdirSync(NETNS_DIRECTORY, { recursive: true, mode: 0o755 });
  if (libcMount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null) === 0) return;
  const errno = lastErrno();
  if (errno !== EINVAL) throw new SystemCallError('mount', errno, `share ${NETNS_DIRECTORY}`);
  check(
    libcMount(NETNS_DIRECTORY, NETNS_DIRECTORY, 'none', MS_BIND | MS_REC, null),
    'mount',
    `bind ${NETNS_DIRECTORY}`,
  );
  check(libcMount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null), 'mount', `share ${NETNS_DIRECTORY}`);
}

/**
 * Makes a named network namespace that `ip netns` can use too. Its loopback is down.
 * @throws Error with code EEXIST when the name is taken; SystemCallError
 */
export function createNetns(name: string): void {
  const path = netnsPath(name);
  shareNetnsDirectory();
  closeSync(openSync(path, 'wx', 0));
  const home = openCurrentNetns();
  try {
    check(libcUnshare(CLONE_NEWNET), 'unshare', `create network namespace ${name}`);
    try {
      check(
        libcMount('/proc/thread-self/ns/net', path, 'none', MS_BIND, null),
        'mount',
        `create network namespace ${name}`,
      );
    } finally {
      enter(home, `return from network namespace ${name}`);
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(home);
  }
}

/**
 * Removes a namespace's name. The namespace itself lives on while sockets, processes or devices elsewhere hold it.
 * @throws NetnsError NETNS_ABSENT
 */
export function deleteNetns(name: string): void {
  const path = netnsPath(name);
  closeSync(openNetns(name));
  if (libcUmount2(path, MNT_DETACH) < 0) {
    const errno = lastErrno();
    // EINVAL: a leftover file nothing is mounted on.
    if (errno !== EINVAL) throw new SystemCallError('umount2', errno, `delete network namespace ${name}`);
  }
  rmSync(path, { force: true });
}
