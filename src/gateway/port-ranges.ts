/** Ports of a policy: numbers and ranges as text; canonical if ascending and disjoint. */
import { MAX_L4_PORT } from '../intent/bounds.js';
import { Refusal } from '../intent/findings.js';

/** First and last port, both inclusive. */
export type PortRange = readonly [first: number, last: number];

const RANGE = /^(0|[1-9]\d{0,4})-(0|[1-9]\d{0,4})$/;
const badRange = new Refusal(`a port from 0 to ${MAX_L4_PORT}, or a range first-last of them`);

/** Parses a port or range of a file. */
export function readPortRange(given: number | string): PortRange | Refusal {
  if (typeof given === 'number') return [given, given];
  const [, from, to] = RANGE.exec(given) ?? [];
  if (from === undefined || to === undefined) return badRange;
  const range: PortRange = [Number(from), Number(to)];
  return range[0] <= range[1] && range[1] <= MAX_L4_PORT ? range : badRange;
}

/** Sorts ranges, and merges those that touch or overlap. */
function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const open = merged.at(-1);
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** Canonical text of ranges: a number, or `first-last`. */
export function formatRanges(ranges: readonly PortRange[]): (number | string)[] {
  return mergeRanges(ranges).map(([first, last]) => (first === last ? first : `${first}-${last}`));
}

/** The ranges of canonical ports. @throws RangeError if one is invalid */
export function portRanges(ports: readonly (number | string)[]): PortRange[] {
  return ports.map((port) => {
    const range = readPortRange(port);
    if (range instanceof Refusal) throw new RangeError(`port ${port}: expected ${range.expected}`);
    return range;
  });
}
