/**
 * Consistent hashing of flows to network nodes (Eisenbud et al., "Maglev", NSDI 2016, section 3.4). All hypervisors compute the same table from the
 * nodes' names. Adding or removing a node moves little more than its own share.
 */
import { Limits } from '../ebpf/generated/layouts.js';
import { hash53 } from '../intent/check/hash-set.js';

/** A prime. */
export const { MAGLEV_SLOTS } = Limits;

const OFFSET_SEED = 1;
const SKIP_SEED = 2;

/**
 * Computes the table: the name of a node for each slot; empty without nodes.
 *
 * @param names in any order, without duplicates
 */
export function maglevTable(names: readonly string[], slots = MAGLEV_SLOTS): string[] {
  const nodes = [...names].sort().map((name) => ({
    name,
    place: hash53(OFFSET_SEED, name) % slots,
    skip: (hash53(SKIP_SEED, name) % (slots - 1)) + 1,
  }));
  if (nodes.length === 0) return [];
  const table = new Array<string | undefined>(slots).fill(undefined);
  for (let filled = 0; filled < slots;) {
    for (const node of nodes) {
      while (table[node.place] !== undefined) node.place = (node.place + node.skip) % slots;
      table[node.place] = node.name;
      filled += 1;
      if (filled === slots) break;
    }
  }
  return table.map((name) => name ?? '');
}
