/**
 * Consistent hashing: which network node a flow has (Eisenbud et al., "Maglev", NSDI 2016, section 3.4). Every hypervisor fills the
 * same table, by the nodes' names; a node that comes or goes moves little more than its own share.
 */
import { hash53 } from '../intent/check/hash-set.js';

/** MAGLEV_SLOTS of bpf/abi/limits.h: a prime. */
export const MAGLEV_SLOTS = 4093;

const OFFSET_SEED = 1;
const SKIP_SEED = 2;

/**
 * The table: for each slot the name of a node; empty without nodes.
 *
 * @param names in any order, none twice
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
