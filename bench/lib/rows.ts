/** Measurements as the result files keep them: one row a path and setting, one value a round. */
import { spread } from './statistics.js';
import type { Machine } from './machine.js';
import type { Spread } from './statistics.js';

/** What was the same for all paths compared: frame bytes, flows, family, … */
export type Setting = Readonly<Record<string, string | number>>;

export interface Row {
  path: string;
  /** What was measured: rate, loss, latency_p50, … */
  metric: string;
  unit: string;
  setting: Setting;
  /** One a round; the n-th of every path were measured next to each other. */
  values: number[];
}

/** A path as the report names it. */
export interface DescribedPath {
  name: string;
  describe: string;
  /** Bytes that it adds to a tenant's packet. */
  overhead: number;
}

export interface Results {
  machine: Machine;
  /** Processors that other work kept busy, before the first and after the last measurement. */
  busy: { before: number; after: number };
  rounds: number;
  /** Seconds that the whole run took. */
  seconds: number;
  paths: DescribedPath[];
  rows: Row[];
}

function sameSetting(a: Setting, b: Setting): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

export class RowCollector {
  readonly rows: Row[] = [];

  add(path: string, metric: string, unit: string, setting: Setting, value: number): void {
    const isSame = (row: Row): boolean =>
      row.path === path && row.metric === metric && sameSetting(row.setting, setting);
    const row = this.rows.find(isSame);
    if (row === undefined) this.rows.push({ path, metric, unit, setting, values: [value] });
    else row.values.push(value);
  }
}

/** The row of a path with this metric and exactly this setting. */
export function findRow(rows: readonly Row[], path: string, metric: string, setting: Setting): Row | undefined {
  return rows.find((row) => row.path === path && row.metric === metric && sameSetting(row.setting, setting));
}

/**
 * How many times as much as the other, round by round: what changes from round to round (a busy machine) cancels out.
 *
 * @throws RangeError when there is no round with both
 */
export function ratio(row: Row, base: Row): Spread {
  const rounds = Math.min(row.values.length, base.values.length);
  return spread(Array.from({ length: rounds }, (_, round) => (row.values[round] ?? NaN) / (base.values[round] ?? NaN)));
}
