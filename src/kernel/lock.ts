import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tryLockFile } from './file-lock.js';

const FILE = 'lock';
/** O_NONBLOCK: opening a FIFO at this path fails instead of blocking. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** Interval of attempts to take a lock, in milliseconds. */
const POLL_MS = 10;
/** How long to wait for a lock, in milliseconds: a first apply of 100,000 routes takes minutes on a slow machine. */
const LOCK_TIMEOUT_MS = 600_000;

/** Another process holds the node's lock for too long. */
export class LockedError extends Error {
  readonly code = 'LOCKED';

  constructor(path: string, waitedMs: number) {
    super(`${path}: still locked by another segue process after ${waitedMs} ms`);
    this.name = 'LockedError';
  }
}

/**
 * Runs a function while no other process does so for the same node: two that read, decide and write at the same time would allocate the same
 * next-hop ids and overwrite each other's saved settings. The kernel unlocks when a process dies.
 *
 * @param directory run-time directory of the node
 * @throws LockedError
 */
export async function withNodeLock<T>(
  directory: string,
  use: () => Promise<T>,
  timeoutMs = LOCK_TIMEOUT_MS,
): Promise<T> {
  const path = join(directory, FILE);
  const fd = await acquire(directory, path, timeoutMs);
  try {
    return await use();
  } finally {
    closeSync(fd);
  }
}

async function acquire(directory: string, path: string, timeoutMs: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    mkdirSync(directory, { recursive: true });
    const fd = openSync(path, APPEND, 0o600);
    try {
      // A purge removes the file with its directory. A lock on an unlinked file excludes nobody.
      if (tryLockFile(fd, path) && isStill(fd, path)) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    const waitedMs = Math.round(performance.now() - started);
    if (waitedMs > timeoutMs) throw new LockedError(path, waitedMs);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Whether a path still refers to the file of a descriptor. */
export function isStill(fd: number, path: string): boolean {
  const held = fstatSync(fd);
  const named = statSync(path, { throwIfNoEntry: false });
  return named?.ino === held.ino && named.dev === held.dev;
}
