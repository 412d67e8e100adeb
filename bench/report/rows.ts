/** Rows as tables and charts: contenders down, settings across. Pure. */
import { findRow, ratio } from '../lib/rows.js';
import { range, table } from '../lib/markdown.js';
import { spread } from '../lib/statistics.js';
import type { Results, Row, Setting } from '../lib/rows.js';
import type { Group } from './bars.js';

export interface Column {
  title: string;
  setting: Setting;
}

export interface Matrix {
  results: Results;
  metric: string;
  columns: readonly Column[];
  /** Values are divided by it. */
  scale: number;
  digits: number;
}

/** For the colours of charts: the paths of all sections. */
export const PATH_ORDER = [
  'ceiling',
  'ceiling-tcx',
  'minimal',
  'plain',
  'plain-conntrack',
  'seg6-encap',
  'seg6-encap-red',
  'vxlan',
  'vrf-dt4-dt6',
  'vrf-dt46',
  'segue-tcx',
  'segue-xdp',
  'segue-xdp-large',
  'segue-both',
  'kernel',
  'segue',
];

/** Columns for which there is a measurement at all. */
function present({ results, metric, columns }: Matrix): Column[] {
  const { rows, paths } = results;
  return columns.filter(({ setting }) => paths.some(({ name }) => findRow(rows, name, metric, setting) !== undefined));
}

function body(matrix: Matrix, cell: (row: Row, setting: Setting) => string, columns: readonly Column[]): string[][] {
  const { results, metric } = matrix;
  return results.paths.flatMap(({ name }) => {
    const cells = columns.map(({ setting }) => {
      const row = findRow(results.rows, name, metric, setting);
      return row === undefined ? '–' : cell(row, setting);
    });
    return cells.every((text) => text === '–') ? [] : [[name, ...cells]];
  });
}

/** Median (min–max) of each path in each setting. */
export function valueTable(matrix: Matrix): string {
  const columns = present(matrix);
  const text = (row: Row): string => range(spread(row.values), matrix.digits, matrix.scale);
  return table(['path', ...columns.map(({ title }) => title)], body(matrix, text, columns));
}

/** How many times the base's value each path has, round by round. */
export function ratioTable(matrix: Matrix, base: string): string {
  const columns = present(matrix).filter(({ setting }) => findRow(matrix.results.rows, base, matrix.metric, setting));
  const text = (row: Row, setting: Setting): string => {
    const reference = findRow(matrix.results.rows, base, matrix.metric, setting);
    return reference === undefined ? '–' : range(ratio(row, reference), 2);
  };
  return table([`against ${base}`, ...columns.map(({ title }) => title)], body(matrix, text, columns));
}

/** A group of bars for each setting. */
export function groups(matrix: Matrix): Group[] {
  const { results, metric } = matrix;
  return present(matrix).map(({ title, setting }) => ({
    label: title,
    bars: results.paths.flatMap(({ name }) => {
      const row = findRow(results.rows, name, metric, setting);
      return row === undefined ? [] : [{ label: name, spread: spread(row.values) }];
    }),
  }));
}

/** One line on where and how it was measured. */
export function provenance({ machine, busy, rounds, seconds }: Results): string {
  const modified = machine.modified === 0 ? '' : ` and ${machine.modified} changed files`;
  return (
    `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}, Node.js ${machine.node}; other processes ` +
    `used ${busy.before} CPUs before and ${busy.after} after; commit ${machine.commit.slice(0, 12)}${modified}; ` +
    `${machine.date.slice(0, 10)}; ${Math.round(seconds / 6) / 10} minutes. Medians of ${rounds} rounds (min–max), paths in turn.`
  );
}

/** The paths as a list, with what they are. */
export function pathList({ paths }: Results): string {
  const added = (bytes: number): string => (bytes > 0 ? `; ${bytes} bytes more` : '');
  return paths.map(({ name, describe, overhead }) => `- \`${name}\`: ${describe}${added(overhead)}`).join('\n');
}
