/**
 * One `apply` in a process of its own: reads an intent file and brings a namespace in line with it, with a stop-watch at
 * each step. Prints what it found as JSON. Arguments: namespace, intent file.
 */
import { performance } from 'node:perf_hooks';
import { Instance } from '../../src/agent/instance.js';
import { loadIntent, scopeTo } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import { NATIVE_RESOURCES, nodeConfig } from './native.js';
import type { Action } from '../../src/reconcile/change.js';

/** Milliseconds. */
export interface ApplyTimes {
  /** From the start of the process to the first line of main. */
  start: number;
  /** File to checked intent: read, JSON, validation. */
  load: number;
  /** What concerns the node, indexes, plan. */
  plan: number;
  /** The kernel's list against the plan. */
  diff: number;
  /** Requests and their answers. */
  execute: number;
  /** load to execute. */
  total: number;
}

export interface ApplyResult {
  times: ApplyTimes;
  done: Record<Action, number>;
  failures: string[];
  waiting: number;
  /** Peak of resident memory, MiB. */
  peakMiB: number;
}

export async function apply(netns: string, file: string): Promise<ApplyResult> {
  const t0 = performance.now();
  const intent = loadIntent(file);
  const t1 = performance.now();
  const instance = new Instance(nodeConfig(netns, file), NATIVE_RESOURCES);
  try {
    const plan = instance.plan(scopeTo(intent, SELF));
    const t2 = performance.now();
    const diff = await instance.engine.diff(plan);
    const t3 = performance.now();
    const report = await instance.engine.converge(plan, diff);
    const t4 = performance.now();
    return {
      times: { start: t0, load: t1 - t0, plan: t2 - t1, diff: t3 - t2, execute: t4 - t3, total: t4 - t0 },
      done: report.done,
      failures: report.failures.map(({ object, error }) => `${object}: ${error.message}`),
      waiting: report.waiting.length,
      peakMiB: process.resourceUsage().maxRSS / 1024,
    };
  } finally {
    instance.close();
  }
}

if (isMain(import.meta.url)) {
  const [netns = '', file = ''] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await apply(netns, file)) + '\n');
}
