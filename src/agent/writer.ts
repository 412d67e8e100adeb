/** Allows one writer for each node and network namespace: an agent holds both for its life. */
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRegularFile } from '../intent/regular-file.js';
import { isStill } from '../kernel/lock.js';
import { tryLockFile } from '../kernel/file-lock.js';
import { netnsIdentity } from 'netlink-ts';

/** The process that holds a node and its namespace. */
export interface Writer {
  pid: number;
  command: 'agent' | 'purge';
  node: string;
  /** The node file that it was started with. */
  file: string;
}

/** An agent or a purge holds the node, or holds its network namespace under another node's name. */
class WriterError extends Error {
  readonly code = 'WRITER';

  constructor(node: string, writer: Writer | undefined) {
    const other =
      writer === undefined || writer.node === node ? '' : ` (its network namespace is that of node ${writer.node})`;
    const who =
      writer === undefined
        ? 'another segue process has locked it'
        : `segue ${writer.command} runs, pid ${writer.pid}, node file ${writer.file}`;
    const expected = writer?.command === 'purge' ? 'wait until it ends' : 'stop it first (systemctl stop segue)';
    super(`${node}${other}: ${who}: ${expected}`);
    this.name = 'WriterError';
  }
}

const FILE = 'writer';
/** Attempts to take a lock, and their interval in ms: a command that only checks the lock holds it for a moment. */
const TRIES = 10;
const RETRY_MS = 20;

export interface WriterPlace {
  node: string;
  /** Named network namespace; absent: this process's own. */
  netns?: string;
  /** Run-time files of all nodes of the machine. */
  runRoot: string;
}

/** Locks held for an agent's life; the kernel releases them when the process dies. */
export class WriterLock {
  readonly #locks: readonly { path: string; fd: number }[];

  private constructor(locks: readonly { path: string; fd: number }[]) {
    this.#locks = locks;
  }

  /** @throws WriterError while another process holds the node or the namespace */
  static async take(place: WriterPlace, writer: Pick<Writer, 'command' | 'file'>): Promise<WriterLock> {
    for (let left = TRIES; ; left--) {
      try {
        return WriterLock.#try(place, writer);
      } catch (error) {
        if (left === 1 || !(error instanceof WriterError)) throw error;
      }
      await sleep(RETRY_MS);
    }
  }

  static #try(place: WriterPlace, { command, file }: Pick<Writer, 'command' | 'file'>): WriterLock {
    const locks: { path: string; fd: number }[] = [];
    try {
      for (const path of lockPaths(place)) locks.push({ path, fd: lock(path, place.node) });
    } catch (error) {
      for (const { fd } of locks) closeSync(fd);
      throw error;
    }
    const text = JSON.stringify({ pid: process.pid, command, node: place.node, file } satisfies Writer);
    for (const { fd } of locks) {
      ftruncateSync(fd);
      writeSync(fd, text, 0);
    }
    return new WriterLock(locks);
  }

  /** Removes the lock files and unlocks; a process that waits for one opens a new file. */
  release(): void {
    for (const { path, fd } of this.#locks) {
      if (isStill(fd, path)) rmSync(path, { force: true });
      closeSync(fd);
    }
  }
}

/** @throws WriterError while another process holds the node or the namespace */
export function refuseBesideWriter(place: WriterPlace): void {
  for (const path of lockPaths(place)) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) closeSync(lock(path, place.node));
  }
}

/** Lock files of the node and of its namespace, which another node may name as well. */
function lockPaths({ node, netns, runRoot }: WriterPlace): string[] {
  const own = join(runRoot, node, FILE);
  const identity = netns === undefined ? ownIdentity() : netnsIdentity(netns);
  // A namespace that does not exist has no writer.
  return identity === undefined ? [own] : [own, join(runRoot, '.namespaces', identity)];
}

function ownIdentity(): string {
  const { dev, ino } = statSync('/proc/thread-self/ns/net');
  return `${dev}-${ino}`;
}

function lock(path: string, node: string): number {
  for (;;) {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(path, 'a+', 0o600);
    try {
      if (!tryLockFile(fd, path)) throw new WriterError(node, readWriter(path));
      // A purge removes the file with its directory. A lock on an unlinked file excludes nobody.
      if (isStill(fd, path)) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

function readWriter(path: string): Writer | undefined {
  try {
    return JSON.parse(readRegularFile(path).toString()) as Writer;
  } catch {
    // The holder is just writing it.
    return undefined;
  }
}
