/**
 * One intent brought about on a network node, in a process of its own with a stop-watch at each step; what is there already is adopted.
 * Arguments: Place as JSON, `load` or `purge`. Prints JSON.
 */
import { plannerOf } from '../../src/app/planning.js';
import { performance } from 'node:perf_hooks';
import { Instance } from '../../src/agent/instance.js';
import { purge } from '../../src/agent/purge.js';
import { readFacts } from '../../src/agent/facts.js';
import { openMaps } from '../../src/ebpf/maps.js';
import { GENERATION } from '../../src/ebpf/generation.js';
import { loadIntent, relevantTo } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { mapMemory } from '../lib/map-memory.js';
import { mainThreadMs } from '../lib/thread-time.js';
import { nodeConfig } from './node.js';
import type { Action } from '../../src/reconcile/change.js';
import type { Place } from './node.js';

/** Milliseconds, MiB. */
export interface PolicyLoad {
  /** File to checked intent, intent to plan, plan to maps. */
  load: number;
  plan: number;
  apply: number;
  /** Processor time of the main thread of the three together. */
  cpu: number;
  done: Record<Action, number>;
  failures: string[];
  /** What another look finds to do. */
  secondChanges: number;
  peakMiB: number;
  maps: MapMemory;
}

/** MiB that the kernel charges. */
export interface MapMemory {
  /** Sets of policies, their names and counters. */
  policies: number;
  /** The table of connections, which is allocated whole. */
  connections: number;
  /** Where members are and how to get there, and everything else that does not grow with policies. */
  others: number;
}

const MIB = 2 ** 20;

function memoryOf({ kernel }: Instance, pins: string): MapMemory {
  const sizes: MapMemory = { policies: 0, connections: 0, others: 0 };
  for (const [name, map] of Object.entries(kernel.fastpath.steering.maps ?? {})) {
    const kind = name.startsWith('sg_pol') ? 'policies' : name === 'sg_ct' ? 'connections' : 'others';
    sizes[kind] += mapMemory(map) / MIB;
  }
  for (const map of Object.values(openMaps(`${pins}/maps_${GENERATION}`))) {
    sizes.others += mapMemory(map) / MIB;
    map.close();
  }
  return sizes;
}

export async function load(place: Place): Promise<PolicyLoad> {
  const instance = new Instance(nodeConfig(place), undefined, place.pins);
  try {
    const { config, kernel, engine } = instance;
    kernel.links.refresh();
    const cpu = mainThreadMs();
    const t0 = performance.now();
    const intent = relevantTo(loadIntent(place.file), config.node);
    const t1 = performance.now();
    const { plan } = plannerOf(config, readFacts(kernel, config, intent), intent);
    const t2 = performance.now();
    const diff = await engine.diff(plan);
    const report = await engine.applyChanges(diff.changes);
    const t3 = performance.now();
    const used = mainThreadMs() - cpu;
    const second = await engine.diff(plan);
    return {
      load: t1 - t0,
      plan: t2 - t1,
      apply: t3 - t2,
      cpu: used,
      done: report.done,
      failures: report.failures.map(({ object, error }) => `${object}: ${error.message}`),
      secondChanges: second.changes.length,
      peakMiB: process.resourceUsage().maxRSS / 1024,
      maps: memoryOf(instance, place.pins),
    };
  } finally {
    instance.close();
  }
}

if (isMain(import.meta.url)) {
  const [argument = '', what = ''] = process.argv.slice(2);
  const place = JSON.parse(argument) as Place;
  if (what === 'purge') {
    const instance = new Instance(nodeConfig(place), undefined, place.pins);
    await purge(instance);
    instance.close();
    process.stdout.write('{}\n');
  } else {
    process.stdout.write(JSON.stringify(await load(place)) + '\n');
  }
}
