/** Processes that are measured as a whole: wall-clock time, peak of resident memory. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { inNetns } from 'netlink-ts';
import type { ChildProcess } from 'node:child_process';

/** How often a process's peak is read, milliseconds: what it grows by in its last moments is missed. */
const MEMORY_POLL_MS = 20;

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
  /** From before fork to after the end, milliseconds. */
  ms: number;
  /** Peak of resident memory (VmHWM), MiB. */
  peakMiB: number;
}

const running = new Set<ChildProcess>();
let interrupted = false;

/** Ends what runs, and lets nothing more begin: whoever waits for a process gets an error. */
export function interrupt(): void {
  interrupted = true;
  for (const child of running) child.kill('SIGKILL');
}

export function isInterrupted(): boolean {
  return interrupted;
}

export interface RunOptions {
  /** Namespace the process is born in. */
  netns?: string;
  /** Standard error goes to /dev/null: for an agent that logs. */
  quiet?: boolean;
  /** Of node. */
  flags?: readonly string[];
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], { netns, quiet }: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    if (interrupted) throw new Error('interrupted');
    const started = performance.now();
    const child = inNetns(netns, () => spawn(command, args, { stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'pipe'] }));
    running.add(child);
    let stdout = '';
    let stderr = '';
    let peakMiB = 0;
    let ms = 0;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setInterval(() => {
      peakMiB = Math.max(peakMiB, peakOf(child.pid));
    }, MEMORY_POLL_MS);
    child.on('exit', () => {
      ms = performance.now() - started;
      clearInterval(timer);
      running.delete(child);
    });
    child.on('error', (error) => {
      clearInterval(timer);
      running.delete(child);
      reject(error);
    });
    child.on('close', (code) => {
      resolve({ code: code ?? -1, stdout, stderr, ms, peakMiB });
    });
  });
}

/** Runs one of this benchmark's own programs in a node of its own, which prints one JSON value. */
export async function runNode<T>(
  program: URL,
  args: readonly string[],
  options: RunOptions = {},
): Promise<T & Finished> {
  const finished = await run(process.execPath, [...(options.flags ?? []), program.pathname, ...args], options);
  if (finished.code !== 0) throw new Error(`${program.pathname} ended with ${finished.code}: ${finished.stderr}`);
  return { ...finished, ...(JSON.parse(finished.stdout) as T) };
}

function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
