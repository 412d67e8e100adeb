/**
 * What a benchmark makes carries a prefix with its process id, claimed by a lock on a file that dies with the process.
 * Whoever begins sweeps what those left who could not clean up: a lock that can be taken has no owner.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeNamespaces } from '../../src/lab/namespaces.js';
import { tryLockFile } from '../../src/netlink/file-lock.js';

const DIRECTORY = '/run/segue-bench';

/** The names that are ours: namespaces begin with `prefix-`. */
export interface Claim {
  prefix: string;
  /** A prefix for one chain, another each time. */
  next(): string;
  /** Removes every namespace of the prefix with the processes in them, and gives the prefix back. */
  release(): Promise<void>;
}

function prefixOf(pid: string): string {
  return `segue-bench-${pid}`;
}

/** @returns prefixes of benchmarks that died, whose leftovers were removed */
export async function sweep(): Promise<string[]> {
  mkdirSync(DIRECTORY, { recursive: true });
  const swept: string[] = [];
  for (const pid of readdirSync(DIRECTORY)) {
    const path = join(DIRECTORY, pid);
    const fd = openSync(path, 'r');
    try {
      if (!tryLockFile(fd, path)) continue;
      await removeNamespaces(prefixOf(pid));
      rmSync(path, { force: true });
      swept.push(prefixOf(pid));
    } finally {
      closeSync(fd);
    }
  }
  return swept;
}

/** Sweeps, then claims this process's prefix. @throws Error when it is taken (twice in one process) */
export async function claim(): Promise<Claim> {
  await sweep();
  const path = join(DIRECTORY, String(process.pid));
  const fd = openSync(path, 'w');
  if (!tryLockFile(fd, path)) throw new Error(`lock ${path}: taken, expected nobody to have it`);
  const prefix = prefixOf(String(process.pid));
  let chains = 0;
  return {
    prefix,
    next: () => `${prefix}-${chains++}`,
    async release() {
      await removeNamespaces(prefix);
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}
