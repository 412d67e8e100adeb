import { closeSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tryLockFile } from './file-lock.js';

const FILE = 'lock';
/** How often a lock that is taken is tried again, milliseconds. */
const POLL_MS = 10;
/** How long it is waited for, milliseconds: a first apply of 100,000 routes on a slow machine takes minutes. */
const LOCK_TIMEOUT_MS = 600_000;

/** Another process works on the same node and does not come to an end. */
export class LockedError extends Error {
  readonly code = 'LOCKED';

  constructor(path: string, waitedMs: number) {
    super(`${path}: held by another segue process for ${waitedMs} ms: expected it to end`);
    this.name = 'LockedError';
  }
}

/**
 * Runs a function while no other process does so for the same node: two that read the kernel, decide and write at once
 * would take the same next-hop ids and forget each other's notes. The kernel lets go of the lock when a process dies.
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
    const fd = openSync(path, 'a', 0o600);
    try {
      // A purge removes the file with its directory: the lock of a file that has no name any more keeps nobody out.
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

/** Whether a path still names the file behind a descriptor. */
export function isStill(fd: number, path: string): boolean {
  const held = fstatSync(fd);
  const named = statSync(path, { throwIfNoEntry: false });
  return named?.ino === held.ino && named.dev === held.dev;
}
