import { readFileSync } from 'node:fs';

/**
 * Processor time of the main thread so far, milliseconds: what the clock would say on a machine that does nothing else
 * (/proc/PID/task/PID/schedstat, kernel Documentation/scheduler/sched-stats.rst).
 */
export function mainThreadMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
