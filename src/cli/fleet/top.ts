/** `fleet top`: latencies of changes from the writer to the kernel, over all nodes. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addLatency,
  countOf,
  latencySince,
  newLatency,
  quantileMs,
  STAGES,
  LATENCY_BOUNDS_MS,
} from '../../fleet/status/latency.js';
import { paint } from '../colour.js';
import { print, printJson } from '../print.js';
import { column, renderTable } from '../table.js';
import { fleetOf } from './status.js';
import type { FleetState } from '../../fleet/status/read-fleet.js';
import type { Latency, Stage } from '../../fleet/status/latency.js';
import type { FleetOptions } from '../intent/store.js';
import type { Column } from '../table.js';

const TITLES: Record<Stage, string> = {
  fed: 'written → fed',
  received: 'fed → received',
  planned: 'received → planned',
  applied: 'planned → applied',
  whole: 'written → applied',
};
/** Nodes listed by the cost of their agents. */
const MAX_NODES = 10;
const BAR_CHARS = 40;

/** @param seconds interval of readings; 0: a single one, with the totals since the agents started */
export async function runTop(seconds: number, times: number, options: FleetOptions): Promise<void> {
  let before: FleetState | undefined;
  for (let at = 0; times === 0 || at < times; at++) {
    const fleet = await fleetOf(options);
    tell(fleet, latencyOf(fleet, before), options);
    if (seconds === 0) return;
    before = fleet;
    await sleep(seconds * 1000);
  }
}

function latencyOf({ nodes }: FleetState, before: FleetState | undefined): Latency {
  const known = new Map(before?.nodes.map(({ name, status }) => [name, status?.latency]));
  const sum = newLatency();
  for (const { name, status } of nodes)
    if (status !== undefined) addLatency(sum, latencySince(status.latency, known.get(name)));
  return sum;
}

function tell({ head, nodes }: FleetState, latency: Latency, options: FleetOptions): void {
  const quantiles = STAGES.map((stage) => ({
    stage,
    changes: countOf(latency[stage]),
    p50Ms: quantileMs(latency[stage], 0.5),
    p99Ms: quantileMs(latency[stage], 0.99),
    counts: latency[stage],
  }));
  const costs = nodes
    .flatMap(({ name, status }) => (status === undefined ? [] : [{ name, ...costOf(status) }]))
    .sort((a, b) => b.cpuPercent - a.cpuPercent);
  if (options.json)
    return printJson({ sequence: head.sequence, boundsMs: LATENCY_BOUNDS_MS, latency: quantiles, agents: costs });
  print(`sequence ${head.sequence}; latency of changes at the nodes, by the clocks of writer, feed and node:`);
  const ways: Column<(typeof quantiles)[number]>[] = [
    column('WAY', ({ stage }) => TITLES[stage]),
    column('CHANGES', ({ changes }) => changes),
    column('P50', ({ p50Ms }) => boundText(p50Ms)),
    column('P99', ({ p99Ms }) => boundText(p99Ms)),
  ];
  for (const line of renderTable(ways, quantiles)) print(line);
  const most = Math.max(...latency.whole, 1);
  if (countOf(latency.whole) > 0) print(`\n${TITLES.whole}`);
  latency.whole.forEach((count, at) => {
    if (count > 0)
      print(
        `${boundText(LATENCY_BOUNDS_MS[at] ?? Infinity).padStart(10)}  ${paint('green', '█'.repeat(Math.ceil((count / most) * BAR_CHARS)))} ${count}`,
      );
  });
  if (costs.length === 0) return;
  print('');
  const columns: Column<(typeof costs)[number]>[] = [
    column('AGENT', ({ name }) => name),
    column('CPU %', ({ cpuPercent }) => cpuPercent.toFixed(2)),
    column('MIB', ({ residentBytes }) => Math.round(residentBytes / 2 ** 20)),
  ];
  for (const line of renderTable(columns, costs.slice(0, MAX_NODES))) print(line);
}

/** CPU time since the agent started, as a share of one CPU. */
function costOf({
  cpuSeconds,
  residentBytes,
  startedMs,
}: {
  cpuSeconds: number;
  residentBytes: number;
  startedMs: number;
}) {
  const seconds = Math.max((Date.now() - startedMs) / 1000, 1);
  return { cpuPercent: startedMs === 0 ? 0 : Math.round((cpuSeconds / seconds) * 10_000) / 100, residentBytes };
}

function boundText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms === Infinity) return `> ${LATENCY_BOUNDS_MS.at(-1)! / 1000} s`;
  return ms < 1000 ? `≤ ${ms} ms` : `≤ ${ms / 1000} s`;
}
