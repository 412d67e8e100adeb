/**
 * The fast path's entries of one intent, brought about in a process of its own with a stop-watch at each step. What is there already
 * is adopted. Arguments: namespace, pins, intent file, `load` or `purge`. Prints JSON.
 */
import { emptyPlan, plannerOf } from '../../src/app/planning.js';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Instance } from '../../src/agent/instance.js';
import { readFacts } from '../../src/agent/facts.js';
import { loadIntent, relevantTo } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { mainThreadMs } from '../lib/thread-time.js';
import { SELF } from '../lib/workload.js';
import { nodeConfig, timedResources } from './node.js';
import type { ResourceTimes } from './node.js';
import type { Action } from '../../src/reconcile/change.js';
import type { Plan } from '../../src/plan/plan.js';

/** Milliseconds, MiB. */
export interface LoadResult {
  /** File to checked intent. */
  load: number;
  /** Intent in memory to plan. */
  plan: number;
  /** Plan in memory to all entries in the maps: diff and execute. */
  total: number;
  diff: number;
  execute: number;
  /** Processor time of both, of the main thread: nearly the clock's on a machine at rest. */
  cpu: number;
  /** A look afterwards, with nothing to do. */
  second: number;
  secondCpu: number;
  secondChanges: number;
  kinds: ResourceTimes;
  /** The longest that the event loop was held up, between plan and the end. */
  held: number;
  done: Record<Action, number>;
  failures: string[];
  waiting: number;
  /** On V8's heap, and beside it, after it. */
  heapMiB: number;
  peakMiB: number;
}

const LOOP_RESOLUTION_MS = 1;

export async function load(netns: string, pins: string, file: string, purge: boolean): Promise<LoadResult> {
  const kinds: ResourceTimes = {};
  const instance = new Instance(nodeConfig(netns, file), timedResources(kinds), pins);
  try {
    const { config, kernel, engine } = instance;
    let wanted: Plan = emptyPlan();
    let loaded = 0;
    let planned = 0;
    kernel.links.refresh();
    if (!purge) {
      const started = performance.now();
      const intent = relevantTo(loadIntent(file), SELF);
      loaded = performance.now() - started;
      const planner = plannerOf(config, readFacts(kernel, config, intent), intent);
      planned = performance.now() - started - loaded;
      if (planner.view.fastpath === undefined) throw new Error(`no fast path: ${planner.view.facts.fastpath?.missing}`);
      wanted = planner.plan;
    }
    void globalThis.gc?.();
    const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    loop.enable();
    const cpu = mainThreadMs();
    const t0 = performance.now();
    const diff = await engine.diff(wanted);
    const t1 = performance.now();
    const report = await engine.applyChanges(diff.changes);
    const t2 = performance.now();
    const used = mainThreadMs() - cpu;
    await new Promise((resolve) => setTimeout(resolve, 2 * LOOP_RESOLUTION_MS));
    loop.disable();
    const took = structuredClone(kinds);
    const t3 = performance.now();
    const before = mainThreadMs();
    const again = await engine.diff(wanted);
    const second = performance.now() - t3;
    const secondCpu = mainThreadMs() - before;
    const peakMiB = process.resourceUsage().maxRSS / 1024;
    diff.changes = [];
    void globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return {
      load: loaded,
      plan: planned,
      total: t2 - t0,
      diff: t1 - t0,
      execute: t2 - t1,
      cpu: used,
      second,
      secondCpu,
      secondChanges: again.changes.length,
      kinds: took,
      held: loop.max / 1e6,
      done: report.done,
      failures: report.failures.map(({ object, error }) => `${object}: ${error.message}`),
      waiting: diff.waiting.length + report.waiting.length,
      heapMiB: (heapUsed + external) / 2 ** 20,
      peakMiB,
    };
  } finally {
    instance.close();
  }
}

if (isMain(import.meta.url)) {
  const [netns = '', pins = '', file = '', what = ''] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await load(netns, pins, file, what === 'purge')) + '\n');
}
