/** The micro section: single calls and single steps of a program. Pure. */
import { table } from '../lib/markdown.js';
import { references } from './bars.js';
import type { Machine } from '../lib/machine.js';
import type { Row } from '../micro/rows.js';
import type { Chart, Group } from './bars.js';

/** What bench/micro/main.ts writes. */
export interface MicroResults {
  machine: Machine;
  rows: Row[];
}

const MILLION = 1e6;
const RATE_UNITS = ['entries/s', 'events/s'];

function isRate({ unit }: Row): boolean {
  return RATE_UNITS.includes(unit);
}

/** "hash: update, one by one" is a bar "update, one by one" in the group "hash". */
function rateGroups(rows: readonly Row[]): Group[] {
  const byName = new Map<string, Group & { bars: { label: string; spread: Group['bars'][number]['spread'] }[] }>();
  for (const { name, unit, median, spread } of rows.filter(isRate)) {
    const [label = '', what = name] = name.split(': ');
    const group = byName.get(label) ?? { label: `${label}, ${unit}`, bars: [] };
    group.bars.push({ label: what, spread: { median, min: spread[0], max: spread[1], count: 1 } });
    byName.set(label, group);
  }
  return [...byName.values()];
}

export function microCharts({ rows }: MicroResults): Record<string, Chart> {
  return {
    'micro-rates.svg': {
      title: 'The libbpf binding: maps and ring buffer (log axis)',
      axis: 'millions a second (median, min–max)',
      scale: MILLION,
      digits: 2,
      log: true,
      groups: rateGroups(rows),
    },
  };
}

export function microSection(results: MicroResults): string {
  const { machine, rows } = results;
  const text = (row: Row, value: number): string => (isRate(row) ? (value / MILLION).toFixed(2) : value.toFixed(1));
  const cells = rows.map((row) => [
    row.name,
    isRate(row) ? `million ${row.unit}` : row.unit,
    `${text(row, row.median)} (${text(row, row.spread[0])}–${text(row, row.spread[1])})`,
  ]);
  return [
    `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}, Node.js ${machine.node}; commit ` +
      `${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. Medians (min–max), in turn.`,
    table(['operation', 'unit', 'median'], cells),
    ...references(microCharts(results)),
  ].join('\n\n');
}

/** How many times as fast the second of two rows is. */
function times(rows: readonly Row[], slow: string, fast: string): string | undefined {
  const [a, b] = [slow, fast].map((name) => rows.find((row) => row.name === name)?.median);
  return a === undefined || b === undefined ? undefined : (b / a).toFixed(1);
}

/** One sentence for the head of the page: what batches and the mapped ring buffer are worth. */
export function microSummary({ rows }: MicroResults): string {
  const parts = ['hash', 'lpm_trie', 'array'].flatMap((type) => {
    const written = times(rows, `${type}: update, one by one`, `${type}: update, batches`);
    const read = times(rows, `${type}: lookup, one by one`, `${type}: read, batches`);
    return written === undefined || read === undefined ? [] : [`${type} ${written} × for writes, ${read} × for reads`];
  });
  const ring = times(
    rows,
    "ring buffer: libbpf's reader, a callback each",
    'ring buffer: mapped and read in TypeScript',
  );
  return (
    `**The libbpf binding**, map batches against one call per entry: ${parts.join('; ')}.` +
    (ring === undefined ? '' : ` The ring buffer read in TypeScript against libbpf's callbacks: ${ring} ×.`)
  );
}
