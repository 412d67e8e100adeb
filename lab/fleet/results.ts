/** What a simulation measured, each beside what is aimed at. */
import { renderTable } from '../../src/cli/table.js';
import type { Column } from '../../src/cli/table.js';

export interface Result {
  what: string;
  measured: number;
  unit: string;
  /** The most that is aimed at, at the size that the target is of. */
  target?: number;
  /** What size the target is of, where the simulation's is another. */
  of?: string;
}

export interface Report {
  /** ISO 8601. */
  date: string;
  command: string;
  /** Of the machine when it began and when it ended, processes that run or want to (1 min). */
  load: [number, number];
  cpus: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  etcd: string;
  storage: string;
  /** What is other than with real nodes. */
  simplified: string[];
  /** Of the size that the targets are of. */
  isFull: boolean;
  options: Record<string, number | string | boolean>;
  results: Result[];
}

export function reportLines(report: Report): string[] {
  const columns: Column<Result>[] = [
    { title: 'WHAT', cell: ({ what }) => what },
    { title: 'MEASURED', cell: ({ measured, unit }) => `${rounded(measured)} ${unit}` },
    {
      title: 'TARGET',
      cell: ({ target, unit, of }) =>
        target === undefined ? '' : `≤ ${target} ${unit}${of === undefined ? '' : ` (${of})`}`,
    },
    { title: '', cell: (result) => verdictOf(result, report.isFull) },
  ];
  return [
    `${report.date}  ${report.command}`,
    `load ${report.load.map((one) => one.toFixed(1)).join(' → ')} on ${report.cpus} CPUs, ${report.memoryGiB} GiB; etcd ${report.etcd} on ${report.storage}`,
    ...report.simplified.map((text) => `simplified: ${text}`),
    '',
    ...renderTable(columns, report.results),
  ];
}

/** A target of the full size says nothing of a smaller one. */
function verdictOf({ measured, target, of }: Result, isFull: boolean): string {
  if (target === undefined || (of !== undefined && !isFull)) return '';
  return measured <= target ? 'met' : 'missed';
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
