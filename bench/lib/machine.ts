/** What a result file says of the machine that it comes from. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  date: string;
  commit: string;
  /** How many files differ from the commit, outside bench/results. */
  modified: number;
  kernel: string;
  processor: string;
  processors: number;
  memoryMiB: number;
  node: string;
  iproute2: string;
  /** Runnable processes over the last minute, at the start: near 0 on a machine that does nothing else. */
  load1: number;
}

export function describeMachine(): Machine {
  const changed = git('status', '--porcelain', '--', '.', ':!bench/results');
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    modified: changed === '' ? 0 : changed.split('\n').length,
    kernel: release(),
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    iproute2: execFileSync('ip', ['-V'], { encoding: 'utf8' }).trim(),
    load1: loadavg()[0] ?? 0,
  };
}

function git(...args: string[]): string {
  // Not trimmed at the front: a line of `status` may begin with a blank.
  return execFileSync('git', args, { encoding: 'utf8' }).replace(/\n+$/, '');
}
