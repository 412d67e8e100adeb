/** Which of several lists of port ranges, in order of precedence, has a port: as runs over all ports. */
import { MAX_L4_PORT } from '../intent/bounds.js';
import type { PortRange } from '../intent/ports.js';

/** Ports from `first` up to the next run's. */
export interface PortRun {
  first: number;
  /** Which list; undefined: none. */
  index: number | undefined;
}

/**
 * Runs that cover all ports, ascending; neighbours differ.
 *
 * Each list paints the ports that none before it has: the time is that of sorting the ranges' ends, whatever their overlaps.
 *
 * @param lists the most preferred first; undefined: every port
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
  /** Next place from each on that nobody has, with short cuts made on the way (union-find). */
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
