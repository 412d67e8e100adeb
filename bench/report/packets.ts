/** The packets section and its charts. Pure. */
import { ratio, findRow } from '../lib/rows.js';
import { range } from '../lib/markdown.js';
import { spread } from '../lib/statistics.js';
import { references } from './bars.js';
import { groups, PATH_ORDER, pathList, provenance, ratioTable, valueTable } from './rows.js';
import type { Results, Setting } from '../lib/rows.js';
import type { Chart } from './bars.js';
import type { Column, Matrix } from './rows.js';

const MPPS = 1e6;

function traffic(family: number, frameBytes: number, flows: number, source: string): Setting {
  return { family, frameBytes, flows, source };
}

/** What everything is compared at: 64 bytes, IPv4, one flow, xdp. */
const BASE = traffic(4, 64, 1, 'xdp');

const SIZES: Column[] = [4, 6].flatMap((family) =>
  [64, 512, 1400].map((bytes) => ({ title: `IPv${family}, ${bytes} B`, setting: traffic(family, bytes, 1, 'xdp') })),
);
const OTHERS: Column[] = [
  { title: 'IPv4, 64 B, 1024 flows', setting: traffic(4, 64, 1024, 'xdp') },
  { title: 'IPv6, 64 B, 1024 flows', setting: traffic(6, 64, 1024, 'xdp') },
  { title: 'IPv4, 64 B, 4096 flows', setting: traffic(4, 64, 4096, 'xdp') },
  { title: 'IPv4, 64 B, skb', setting: traffic(4, 64, 1, 'skb') },
  { title: 'IPv6, 64 B, skb', setting: traffic(6, 64, 1, 'skb') },
  { title: 'IPv4, 1400 B, skb', setting: traffic(4, 1400, 1, 'skb') },
];

function matrix(results: Results, metric: string, columns: readonly Column[]): Matrix {
  return { results, metric, columns, scale: MPPS, digits: 2 };
}

/** By file name under docs/benchmarks. */
export function packetCharts(results: Results): Record<string, Chart> {
  const axis = 'million packets a second at the sink, one CPU (median, min–max)';
  const chart = (title: string, columns: readonly Column[]): Chart => ({
    title,
    axis,
    scale: MPPS,
    digits: 2,
    order: PATH_ORDER,
    groups: groups(matrix(results, 'one_cpu', columns)),
  });
  const searched = [
    { title: 'offered at a loss of at most 0.5 %', metric: 'pdr' },
    { title: 'received at full load', metric: 'overload' },
  ].flatMap(({ title, metric }) =>
    groups(
      matrix(
        results,
        metric,
        [SIZES[0], SIZES[3]].filter((column) => column !== undefined),
      ),
    ).map((group) => ({
      ...group,
      label: `${group.label}: ${title}`,
    })),
  );
  return {
    'packets-size.svg': chart('Packets by frame size', SIZES),
    'packets-source.svg': chart('Packets: many flows, and sk_buffs from a process', OTHERS),
    'packets-loss.svg': {
      title: 'Generator on a CPU of its own',
      axis: 'million packets a second (median, min–max)',
      scale: MPPS,
      digits: 2,
      order: PATH_ORDER,
      groups: searched,
    },
  };
}

/** Results of a search are unreliable if other processes use more CPUs than this. */
const BUSY_MAX = 0.2;

function busyNote({ busy }: Results): string[] {
  if (Math.max(busy.before, busy.after) <= BUSY_MAX) return [];
  return [
    '(**Unreliable**: other processes used the CPUs, and the search counts drops of a stalled CPU as loss. ' +
      'These are lower bounds; the rates above exclude the time of other processes.)',
  ];
}

export function packetSection(results: Results): string {
  const oneCpu = matrix(results, 'one_cpu', SIZES);
  const alone = results.rows.find(({ metric }) => metric === 'generator');
  const pdrColumns = SIZES.filter(({ setting }) => setting.frameBytes === 64);
  return [
    provenance(results),
    pathList(results),
    'Million packets a second at the sink, generator and path on one CPU:',
    valueTable(oneCpu),
    valueTable(matrix(results, 'one_cpu', OTHERS)),
    ratioTable(oneCpu, 'plain'),
    ratioTable(matrix(results, 'one_cpu', OTHERS), 'plain'),
    ...(alone === undefined
      ? []
      : [`The generator alone, counted at the first hop: ${range(spread(alone.values), 2, MPPS)} Mpps.`]),
    'Generator on a CPU of its own, path on the other: the highest offered rate at a loss of at most 0.5 %, in Mpps:',
    ...busyNote(results),
    valueTable(matrix(results, 'pdr', pdrColumns)),
    'Rate at the sink while the generator runs at full speed, in Mpps:',
    valueTable(matrix(results, 'overload', pdrColumns)),
    ...references(packetCharts(results)),
  ].join('\n\n');
}

/** One sentence for the head of the page: who is how fast with 64-byte packets. */
export function packetSummary(results: Results): string {
  const { rows, paths } = results;
  const base = findRow(rows, 'plain', 'one_cpu', BASE);
  const parts = paths.flatMap(({ name }) => {
    const row = findRow(rows, name, 'one_cpu', BASE);
    if (row === undefined) return [];
    const times = base === undefined || name === 'plain' ? '' : ` (${ratio(row, base).median.toFixed(2)} × plain)`;
    return [
      { median: spread(row.values).median, text: `${name} ${(spread(row.values).median / MPPS).toFixed(2)}${times}` },
    ];
  });
  parts.sort((a, b) => b.median - a.median);
  return `**Packets**, 64 B, one CPU, Mpps at the sink: ${parts.map(({ text }) => text).join(', ')}.`;
}
