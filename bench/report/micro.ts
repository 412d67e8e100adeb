/** The micro benchmarks' rows as a table. Pure. */
import { table } from '../lib/markdown.js';
import type { Machine } from '../lib/machine.js';
import type { Row } from '../micro/rows.js';

export interface MicroResults {
  machine: Machine;
  rows: Row[];
}

const MILLION = 1e6;
/** From here on a number reads better in millions. */
const LARGE = 1e5;

function figure(value: number): string {
  return value >= LARGE ? `${(value / MILLION).toFixed(2)} M` : value.toFixed(value < 10 ? 2 : 1);
}

export function microSection({ machine, rows }: MicroResults): string {
  const line = ({ name, unit, median, spread: [least, most] }: Row) => [
    name,
    figure(median),
    unit,
    `${figure(least)}–${figure(most)}`,
  ];
  return [
    `Linux ${machine.kernel}, Node.js ${machine.node}; commit ${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. Medians, least to most.`,
    '',
    table(['what', 'median', 'unit', 'least–most'], rows.map(line)),
  ].join('\n');
}
