/** Determines which of several lists of port ranges, in order of precedence, contains each port, as runs over all ports. */
import { MAX_L4_PORT } from '../intent/bounds.js';
import type { PortRange } from './port-ranges.js';

/** Ports from `first` up to the next run. */
export interface PortRun {
  first: number;
  /** Index of the list; undefined: none. */
  index: number | undefined;
}

/**
 * Returns runs that cover all ports, ascending; adjacent runs differ.
 *
 * Each list takes the ports that no earlier list contains. The time is that of sorting the ends of the ranges, however they overlap.
 *
 * @param lists in order of precedence; undefined: all ports
 */
export function decidingPorts(lists: readonly (readonly PortRange[] | undefined)[]): PortRun[] {
  const starts = new Set([0]);
  for (const list of lists) {
    for (const [first, last] of list ?? []) {
      starts.add(first);
      if (last < MAX_L4_PORT) starts.add(last + 1);
    }
  }
  const firsts = [...starts].sort((a, b) => a - b);
  const placeOf = new Map(firsts.map((first, place) => [first, place]));
  const owners = new Array<number | undefined>(firsts.length).fill(undefined);
  /** For each position the next free one, with path compression (union-find). */
  const next = Array.from({ length: firsts.length + 1 }, (_, place) => place);
  const free = (from: number): number => {
    let place = from;
    for (let to = next[place]; to !== undefined && to !== place; to = next[place]) {
      next[place] = next[to] ?? to;
      place = to;
    }
    return place;
  };
  lists.forEach((list, index) => {
    for (const [first, last] of list ?? ALL) {
      const end = last < MAX_L4_PORT ? (placeOf.get(last + 1) ?? firsts.length) : firsts.length;
      for (let place = free(placeOf.get(first) ?? 0); place < end; place = free(place)) {
        owners[place] = index;
        next[place] = place + 1;
      }
    }
  });
  const runs: PortRun[] = [];
  firsts.forEach((first, place) => {
    const index = owners[place];
    if (runs.length === 0 || runs.at(-1)?.index !== index) runs.push({ first, index });
  });
  return runs;
}

const ALL: readonly PortRange[] = [[0, MAX_L4_PORT]];
