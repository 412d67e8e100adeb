/** The fast path's entries: tables and a sentence. Pure. */
import { range, table } from '../lib/markdown.js';
import type { EntriesResults, LoadFigures } from '../entries/results.js';

/** Kinds that took less than this, milliseconds, are left out of the table. */
const WORTH_TELLING_MS = 1;

export function entriesSection(results: EntriesResults): string {
  const { machine, rounds, remotePorts, tenants, nodes, entries, members, kinds, moves } = results;
  const row = (what: string, { total, diff, execute, cpu, held, peakMiB }: LoadFigures) => [
    what,
    range(total, 2, 1000),
    range(diff, 2, 1000),
    range(execute, 2, 1000),
    range(cpu, 2, 1000),
    range(held),
    range(peakMiB),
  ];
  const head = ['seconds', 'total', 'diff', 'execute', 'CPU', 'longest stall ms', 'peak MiB'];
  const shown = Object.entries(kinds).filter(([, { median }]) => median >= WORTH_TELLING_MS);
  return [
    `Linux ${machine.kernel}, ${machine.processors} processors, Node.js ${machine.node}; load ${machine.load1.toFixed(1)} at the start; commit ` +
      `${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. ${remotePorts} remote ports, ${tenants} tenants, ${nodes} nodes: ${entries} ` +
      `entries, of which ${members} members. Medians of ${rounds} rounds (min–max).`,
    '',
    table(head, [row('from an empty node', results.cold), row('adopted by another process', results.adopt)]),
    '',
    `Before these steps: from the file to the checked intent ${range(results.loadMs, 1, 1000)} s, from the intent to the plan ${range(results.planMs, 1, 1000)} s. A second ` +
      `diff in the same process ${range(results.second, 2, 1000)} s (CPU ${range(results.secondCpu, 2, 1000)} s). Intent and plan on V8's ` +
      `heap ${range(results.heapMiB)} MiB. Purge ${range(results.purge)} ms. The kernel alone (CPU time) for the same batches of members: writes ` +
      `${range(results.floorWrite, 2, 1000)} s, reads ${range(results.floorRead, 2, 1000)} s.`,
    '',
    table(
      ['from an empty node, by resource', 'ms'],
      shown.map(([name, spread]) => [name, range(spread)]),
    ),
    '',
    "One port moves to another node, in a running agent: from the source's change to the entry in the map.",
    '',
    table(
      ['remote ports', 'moves', 'p50 µs', 'p90 µs', 'p99 µs', 'p50 of rounds', 'p99 of rounds'],
      moves.map(({ remotePorts: size, latency, p50, p99 }) => [
        String(size),
        String(latency.count),
        latency.p50.toFixed(0),
        latency.p90.toFixed(0),
        latency.p99.toFixed(0),
        range(p50),
        range(p99),
      ]),
    ),
    '',
    `${moves.reduce((sum, { checked }) => sum + checked, 0)} moves compared with the whole map: ` +
      `${moves.reduce((sum, { wrong }) => sum + wrong.length, 0)} other entries changed.`,
  ].join('\n');
}

/** One sentence for the head of the page. */
export function entriesSummary({ entries, cold, adopt, moves }: EntriesResults): string {
  const largest = moves.reduce((a, b) => (b.remotePorts > a.remotePorts ? b : a));
  return (
    `**The fast path's entries**: ${entries.toLocaleString('en')} from a plan in memory to the maps in ` +
    `${(cold.total.median / 1000).toFixed(2)} s, adopted in ${(adopt.total.median / 1000).toFixed(2)} s. One port moves among ` +
    `${largest.remotePorts.toLocaleString('en')}: p50 ${largest.latency.p50.toFixed(0)} µs, p99 ${largest.latency.p99.toFixed(0)} µs.`
  );
}
