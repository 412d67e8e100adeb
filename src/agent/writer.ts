/** One writer a node and a network namespace: an agent holds both for its life. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStill } from '../kernel/lock.js';
import { tryLockFile } from '../kernel/file-lock.js';
import { netnsIdentity } from 'netlink-ts';

/** Who holds a node and its namespace. */
export interface Writer {
  pid: number;
  command: 'agent' | 'purge';
  node: string;
  /** The node file it was started with. */
  file: string;
}

/** Another process works on the node for longer, or on its network namespace under another node's name. */
class WriterError extends Error {
  readonly code = 'WRITER';

  constructor(node: string, writer: Writer | undefined) {
    const other =
      writer === undefined || writer.node === node ? '' : ` (its network namespace is that of node ${writer.node})`;
    const who =
      writer === undefined
        ? 'another segue process holds the node'
        : `segue ${writer.command} runs, pid ${writer.pid}, node file ${writer.file}`;
    const expected = writer?.command === 'purge' ? 'expected it to end' : 'stop it first (systemctl stop segue)';
    super(`${node}${other}: ${who}: ${expected}`);
    this.name = 'WriterError';
  }
}

const FILE = 'writer';
/** Who only looks whether somebody holds a lock has it for a moment: how often, and how long apart, it is tried again, ms. */
const TRIES = 10;
const RETRY_MS = 20;

export interface WriterPlace {
  node: string;
  /** Named network namespace; absent: this process's own. */
  netns?: string;
  /** Run-time files of all nodes of the machine. */
  runRoot: string;
}

/** What an agent holds for its life: the kernel lets go of it when the process dies. */
export class WriterLock {
  readonly #locks: readonly { path: string; fd: number }[];

  private constructor(locks: readonly { path: string; fd: number }[]) {
    this.#locks = locks;
  }

  /** @throws WriterError while another process holds the node, or the namespace */
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

  /** Removes the files and lets go: who waits for one opens the next. */
  release(): void {
    for (const { path, fd } of this.#locks) {
      if (isStill(fd, path)) rmSync(path, { force: true });
      closeSync(fd);
    }
  }
}

/** @throws WriterError while another process holds the node, or the namespace */
export function refuseBesideWriter(place: WriterPlace): void {
  for (const path of lockPaths(place)) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) closeSync(lock(path, place.node));
  }
}

/** The node's own, and the one of its namespace, which another node's name may mean as well. */
function lockPaths({ node, netns, runRoot }: WriterPlace): string[] {
  const own = join(runRoot, node, FILE);
  const identity = netns === undefined ? ownIdentity() : netnsIdentity(netns);
  // Nobody works in a namespace that is not there.
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
      // A purge removes the file with its directory: the lock of a file without a name keeps nobody out.
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
    return JSON.parse(readFileSync(path, 'utf8')) as Writer;
  } catch {
    // It is just being written.
    return undefined;
  }
}
