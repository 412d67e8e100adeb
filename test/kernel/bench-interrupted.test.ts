/** An interrupted or killed benchmark leaves nothing behind, or the next benchmark removes what it left. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { listNetns } from 'netlink-ts';
import type { ChildProcess } from 'node:child_process';

const TIMEOUT_MS = 300_000;
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

beforeAll(() => {
  execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
}, TIMEOUT_MS);

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    if (holds()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
}

/** @returns what a process's file says; '' once there is no such process, which may be between any two steps */
function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  const text = ofProcess(pid, `task/${pid}/children`).trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  const stat = ofProcess(pid, 'stat');
  return stat !== '' && !stat.includes(') Z ');
}

function commandOf(pid: number): string {
  return ofProcess(pid, 'cmdline');
}

function namespacesOf(pid: number): string[] {
  return listNetns().filter((name) => name.startsWith(`segue-bench-${pid}-`));
}

function start(program: string, args: readonly string[]): ChildProcess & { pid: number } {
  const child = spawn('node', [program, ...args], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} did not start`);
  return Object.assign(child, { pid });
}

/** Waits until a generator sends in one of its chains. @returns processes it started */
async function measuring(pid: number): Promise<number[]> {
  const isGenerator = (child: number): boolean => commandOf(child).includes('generate.js');
  await until('a generator', () => childrenOf(pid).some(isGenerator));
  expect(namespacesOf(pid).length).toBeGreaterThan(0);
  return childrenOf(pid);
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  await until('its end', () => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode;
}

const ARGS = ['--paths', 'plain', '--milliseconds', '5000'];

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends the benchmark’s processes and removes its objects',
  async (signal) => {
    const bench = start('build/bench/packets/main.js', ARGS);
    const children = await measuring(bench.pid);
    bench.kill(signal);
    expect(await exitOf(bench)).toBe(130);
    expect(namespacesOf(bench.pid)).toEqual([]);
    expect(children.filter(isAlive)).toEqual([]);
    expect(existsSync(`/run/segue-bench/${bench.pid}`)).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  'SIGKILL ends its generator, and the next benchmark removes the rest',
  async () => {
    const bench = start('build/bench/packets/main.js', ARGS);
    const children = await measuring(bench.pid);
    bench.kill('SIGKILL');
    await exitOf(bench);
    await until('the end of its processes', () => !children.some(isAlive));
    expect(namespacesOf(bench.pid).length).toBeGreaterThan(0);
    const sweep = `import('./build/bench/lib/claim.js').then(({ sweep }) => sweep()).then((all) => console.log(all.join()))`;
    expect(execFileSync('node', ['-e', sweep], { encoding: 'utf8' })).toContain(`segue-bench-${bench.pid}`);
    expect(namespacesOf(bench.pid)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'SIGKILL of the parent of all benchmarks lets the current one remove its objects',
  async () => {
    const all = start('build/bench/main.js', ['--only', 'packets', ...ARGS]);
    await until('a benchmark', () => childrenOf(all.pid).some((pid) => commandOf(pid).includes('packets/main.js')));
    const [part = 0] = childrenOf(all.pid);
    await measuring(part);
    all.kill('SIGKILL');
    await until('the end of the benchmark', () => !isAlive(part));
    expect(namespacesOf(part)).toEqual([]);
  },
  TIMEOUT_MS,
);
