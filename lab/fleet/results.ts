/** Results of a simulation, with their targets. */
import { renderTable } from '../../src/cli/table.js';
import type { Column } from '../../src/cli/table.js';

export interface Result {
  what: string;
  measured: number;
  unit: string;
  /** Target for the largest size. */
  target?: number;
  /** Size to which the target applies, if it differs from the simulation's. */
  of?: string;
}

export interface Report {
  /** ISO 8601. */
  date: string;
  command: string;
  /** Load average of the machine at start and end (1 min). */
  load: [number, number];
  cpus: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  etcd: string;
  storage: string;
  /** Differences from real nodes. */
  simplified: string[];
  /** Whether the simulation has the size of the targets. */
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

/** A target for the full size does not apply to smaller ones. */
function verdictOf({ measured, target, of }: Result, isFull: boolean): string {
  if (target === undefined || (of !== undefined && !isFull)) return '';
  return measured <= target ? 'met' : 'missed';
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
