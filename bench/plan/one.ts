/**
 * An intent as the agent of one node takes and holds it, with a stop-watch at each step; a process of its own, so that memory
 * is this size's alone (node --expose-gc). Arguments: intent file, `kernel` or `hybrid`. Prints JSON.
 */
import { plannerOf } from '../../src/app/planning.js';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { diffIntent, loadIntent, relevantTo } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import type { Dataplane, Intent, NodeConfig, Port } from '../../src/intent/types.js';

/** Milliseconds and MiB. */
export interface PlanFigures {
  routes: number;
  /** Entries of the fast path for addresses and prefixes. */
  members: number;
  /** read, JSON, validation, what concerns the node */
  loadMs: number;
  planMs: number;
  /** two whole intents compared, one port of which differs */
  diffMs: number;
  /** that port's change through the planner */
  changeMs: number;
  /** on V8's heap once all else is gone: the intent held */
  intentMiB: number;
  /** and the plan with its indexes */
  planMiB: number;
  /** resident at the most, while the file was read */
  peakMiB: number;
}

/** Any: planning reads nothing of the machine but this. */
const UPLINK_MTU_BYTES = 1500;

export function measurePlan(file: string, dataplane: Dataplane): PlanFigures {
  const config: NodeConfig = {
    node: SELF,
    uplinks: ['eth0'],
    dataplane,
    xdp: 'never',
    behaviours: ['dt46'],
    intent: file,
  };
  const empty = heapMiB();
  const [loadMs, intent] = timed(() => relevantTo(loadIntent(file), SELF));
  const withIntent = heapMiB();
  const facts = { uplinkMtu: UPLINK_MTU_BYTES, ...(dataplane !== 'kernel' && { fastpath: { xdp: [] } }) };
  const [planMs, planner] = timed(() => plannerOf(config, facts, intent));
  const withPlan = heapMiB();
  const [diffMs, changes] = timed(() => diffIntent(intent, withOnePortMoved(intent)));
  const [changeMs] = timed(() => planner.apply(changes));
  return {
    routes: planner.plan.route.size,
    members: planner.plan['bpf-member'].size + planner.plan['bpf-prefix'].size,
    loadMs,
    planMs,
    diffMs,
    changeMs,
    intentMiB: withIntent - empty,
    planMiB: withPlan - withIntent,
    // Not resourceUsage(): that is the parent's peak where it was larger when it forked.
    peakMiB: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024,
  };
}

function withOnePortMoved(intent: Intent): Intent {
  const nodes = intent.nodes.map(({ name }) => name).filter((name) => name !== SELF);
  const at = intent.ports.findIndex(({ node }) => node !== SELF);
  const ports = intent.ports.map((port, index): Port => {
    if (index !== at) return port;
    return { ...port, node: nodes.find((name) => name !== port.node) ?? port.node };
  });
  return { ...intent, ports };
}

function timed<T>(use: () => T): [ms: number, result: T] {
  const started = performance.now();
  const result = use();
  return [performance.now() - started, result];
}

function heapMiB(): number {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc');
  void globalThis.gc();
  void globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

if (isMain(import.meta.url)) {
  const [file = '', dataplane] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(measurePlan(file, dataplane === 'hybrid' ? 'hybrid' : 'kernel')) + '\n');
}
