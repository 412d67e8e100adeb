/**
 * What a benchmark makes carries a prefix with its process id, claimed by a lock on a file that dies with the process.
 * Whoever begins sweeps what those left who could not clean up: a lock that can be taken has no owner.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { removeNamespaces } from '../../lab/namespaces.js';
import { tryLockFile } from '../../src/kernel/file-lock.js';

const DIRECTORY = '/run/segue-bench';
/** Each process's bpffs is mounted here by its id. */
const BPFFS_DIRECTORY = '/run/segue-bench-bpf';
/** linux/magic.h */
const BPF_FS_MAGIC = 0xcafe4a11;

/** The names that are ours: namespaces begin with `prefix-`. */
export interface Claim {
  prefix: string;
  /** A prefix for one chain, another each time. */
  next(): string;
  /** A bpffs for pins, mounted when it is first asked for; what is pinned goes when the prefix is given back. */
  bpffs(): string;
  /** Removes every namespace of the prefix with the processes in them, and gives the prefix back. */
  release(): Promise<void>;
}

function prefixOf(pid: string): string {
  return `segue-bench-${pid}`;
}

function bpffsOf(pid: string): string {
  return join(BPFFS_DIRECTORY, pid);
}

/** Of what is mounted or not, whole or not. */
function unmount(directory: string): void {
  if (!existsSync(directory)) return;
  if (statfsSync(directory).type === BPF_FS_MAGIC) execFileSync('umount', [directory]);
  rmdirSync(directory);
}

/**
 * @returns prefixes of benchmarks that died, whose leftovers were removed
 * @public a test calls what was built
 */
export async function sweep(): Promise<string[]> {
  mkdirSync(DIRECTORY, { recursive: true });
  const swept: string[] = [];
  for (const pid of readdirSync(DIRECTORY)) {
    const path = join(DIRECTORY, pid);
    const fd = openSync(path, 'r');
    try {
      if (!tryLockFile(fd, path)) continue;
      await removeNamespaces(prefixOf(pid));
      unmount(bpffsOf(pid));
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
    bpffs() {
      const directory = bpffsOf(String(process.pid));
      if (existsSync(directory)) return directory;
      mkdirSync(directory, { recursive: true });
      execFileSync('mount', ['-t', 'bpf', 'bpf', directory]);
      return directory;
    },
    async release() {
      await removeNamespaces(prefix);
      unmount(bpffsOf(String(process.pid)));
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}
