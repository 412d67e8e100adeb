/** Assigns flow slots to next hops in proportion to their weights. A hop that is added or removed moves few slots of the others. */
import { Limits } from './generated/layouts.js';
import { hash53 } from '../intent/check/hash-set.js';

/** A power of two. */
const HOP_SLOTS = Limits.NEXTHOP_SLOTS;
/** Cached tables: nodes behind the same next hops share one. */
const KEPT_TABLES = 256;

const OFFSET_SEED = 3;
const SKIP_SEED = 4;

/** A next hop with its weight. */
interface WeightedHop {
  ifindex: number;
  destMac: string;
  weight: number;
}

const tables = new Map<string, Buffer>();

/**
 * The slots of a next-hop group, two per byte. The result depends only on the hops and not on their history: removing a failed hop and planning
 * without it give the same table.
 *
 * @returns a shared buffer, not to be written to; zeros without hops
 */
export function hopSlots(hops: readonly WeightedHop[]): Buffer {
  const key = hops.map((hop) => `${nameOf(hop)} ${hop.weight}`).join(',');
  let packed = tables.get(key);
  if (packed === undefined) {
    if (tables.size >= KEPT_TABLES) tables.clear();
    const table = fill(hops);
    packed = Buffer.from(
      Array.from({ length: HOP_SLOTS / 2 }, (_, at) => (table[2 * at] ?? 0) | ((table[2 * at + 1] ?? 0) << 4)),
    );
    tables.set(key, packed);
  }
  return packed;
}

/** Fills the table as Maglev does (Eisenbud et al., NSDI 2016, section 3.4), with turns in proportion to the shares. */
function fill(hops: readonly WeightedHop[]): Uint8Array {
  const table = new Uint8Array(HOP_SLOTS);
  if (hops.length === 0) return table;
  const turns = hops
    .map((hop, index) => ({
      ...{ name: nameOf(hop), weight: hop.weight, index, share: 0, taken: 0 },
      place: hash53(OFFSET_SEED, nameOf(hop)) % HOP_SLOTS,
      // An odd step visits all slots.
      skip: (hash53(SKIP_SEED, nameOf(hop)) % (HOP_SLOTS / 2)) * 2 + 1,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const shares = sharesOf(turns.map(({ weight }) => weight));
  for (const [at, turn] of turns.entries()) turn.share = shares[at] ?? 0;
  const isTaken = new Uint8Array(HOP_SLOTS);
  for (let filled = 0; filled < HOP_SLOTS; filled++) {
    const next = turns.reduce((a, b) => ((b.taken + 1) * a.share < (a.taken + 1) * b.share ? b : a));
    while (isTaken[next.place] === 1) next.place = (next.place + next.skip) % HOP_SLOTS;
    isTaken[next.place] = 1;
    table[next.place] = next.index;
    next.taken += 1;
  }
  return table;
}

/** Number of slots for each weight: at least one each, HOP_SLOTS in total. */
function sharesOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = weights.map((weight) => Math.max(1, Math.floor((weight * HOP_SLOTS) / sum)));
  /** Slots of a share beyond its exact proportion. */
  const excess = (index: number): number => (shares[index] ?? 0) - ((weights[index] ?? 0) * HOP_SLOTS) / sum;
  const indexes = [...weights.keys()];
  let left = HOP_SLOTS - shares.reduce((total, share) => total + share, 0);
  for (; left > 0; left--)
    add(
      indexes.reduce((a, b) => (excess(b) < excess(a) ? b : a)),
      1,
    );
  for (; left < 0; left++) {
    const larger = indexes.filter((index) => (shares[index] ?? 0) > 1);
    add(
      larger.reduce((a, b) => (excess(b) > excess(a) ? b : a)),
      -1,
    );
  }
  return shares;

  function add(index: number, places: number): void {
    shares[index] = (shares[index] ?? 0) + places;
  }
}

function nameOf({ ifindex, destMac }: WeightedHop): string {
  return `${ifindex} ${destMac}`;
}
