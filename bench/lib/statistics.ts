/** What stands for a series of measurements. */

export interface Spread {
  median: number;
  min: number;
  max: number;
  /** Measurements. */
  count: number;
}

/** @throws RangeError when there are none */
export function spread(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { median: at(sorted, 0.5), min: at(sorted, 0), max: at(sorted, 1), count: sorted.length };
}

/** Value below which a fraction (0..1) of the values lies, between neighbours by proportion. */
export function percentile(values: readonly number[], fraction: number): number {
  return at(ascending(values), fraction);
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no measurements');
  return [...values].sort((a, b) => a - b);
}

function at(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const low = sorted[Math.floor(position)] ?? NaN;
  const high = sorted[Math.ceil(position)] ?? NaN;
  return low + (high - low) * (position - Math.floor(position));
}
