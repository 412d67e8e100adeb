/** Axes of charts. Pure. */

const TICKS = 5;

/** The round numbers 1, 2, 5 × 10^n at or above. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}

export interface Axis {
  ticks: number[];
  /** Position of a value, pixels. */
  at(value: number): number;
}

/** From 0 to a round number at or above the most. @param size pixels; negative: upwards */
export function linearAxis(most: number, from: number, size: number): Axis {
  const step = roundUp(most / TICKS);
  const end = Math.ceil(most / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  return { ticks, at: (value) => from + (value / end) * size };
}

/** From a power of ten to another. */
export function logAxis(least: number, most: number, from: number, size: number): Axis {
  const low = Math.floor(Math.log10(least));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const at = (value: number): number =>
    from + (Math.max(0, Math.log10(Math.max(value, Number.MIN_VALUE)) - low) / (high - low)) * size;
  return { ticks, at };
}

export function tickText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
