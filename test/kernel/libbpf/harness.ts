/** eBPF objects, a bpffs and namespaces of a test, removed when it ends. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { BpfObject, LibbpfError, type LoadOptions } from '../../../src/libbpf/index.js';
import { createNetns, deleteNetns, inNetns } from '../../../src/netlink/netns.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A compiled object of bpf/: "test/maps". */
export function objectPath(name: string): string {
  return join(ROOT, 'build/bpf', `${name}.o`);
}

/** Loads a compiled object for the time of the test. */
export function load(name: string, options: LoadOptions = {}): BpfObject {
  const object = BpfObject.load(objectPath(name), options);
  onTestFinished(() => {
    object.close();
  });
  return object;
}

/** What fn throws, which must be a LibbpfError. */
export function failure(fn: () => unknown): LibbpfError {
  try {
    fn();
  } catch (error) {
    if (error instanceof LibbpfError) return error;
    throw error;
  }
  throw new Error('expected it to throw');
}

let counter = 0;

/** Runs a command in a namespace; throws with its words when it fails. */
export function run(netns: string | undefined, command: string, ...args: string[]): string {
  const result = inNetns(netns, () => spawnSync(command, args, { encoding: 'utf8' }));
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** A namespace with the veth pair v0 – v1, both up, on which nothing but the test sends (no IPv6: no solicitations). */
export function namespace(): string {
  const name = `bpft-${process.pid}-${counter++}`;
  createNetns(name);
  onTestFinished(() => {
    deleteNetns(name);
  });
  run(name, 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  for (const link of ['v0', 'v1']) run(name, 'ip', 'link', 'set', link, 'addrgenmode', 'none');
  for (const link of ['lo', 'v0', 'v1']) run(name, 'ip', 'link', 'set', link, 'up');
  return name;
}

/** Number of an interface in a namespace. */
export function ifindex(netns: string, name: string): number {
  const [link] = JSON.parse(run(netns, 'ip', '-j', 'link', 'show', name)) as { ifindex: number }[];
  return link?.ifindex ?? 0;
}

/** A bpffs of the test's own. */
export function bpffs(): string {
  const directory = mkdtempSync(join(tmpdir(), 'libbpf-test-'));
  mkdirSync(join(directory, 'fs'));
  run(undefined, 'mount', '-t', 'bpf', 'bpf', join(directory, 'fs'));
  onTestFinished(() => {
    run(undefined, 'umount', join(directory, 'fs'));
    rmSync(directory, { recursive: true });
  });
  return join(directory, 'fs');
}

/**
 * Keeps this process on the first CPU until the test ends: what a program remembers is its CPU's (BPF_PROG_TEST_RUN has no choice of one for
 * XDP and tc, net/bpf/test_run.c).
 */
export function stayOnOneCpu(): void {
  const taskset = (cpus: string): string => run(undefined, 'taskset', '--all-tasks', '-pc', cpus, String(process.pid));
  taskset('0');
  onTestFinished(() => {
    taskset(`0-${cpus().length - 1}`);
  });
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

/** struct xdp_md (linux/bpf.h): a frame of so many bytes that comes in by an interface, which has an XDP program. Without it, it is lo. */
export function xdpArriving(ingress: number, bytes: number): Buffer {
  const context = Buffer.alloc(24);
  context.writeUInt32LE(bytes, 4);
  context.writeUInt32LE(ingress, 12);
  return context;
}
