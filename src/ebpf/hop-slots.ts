/** Which next hop the flows of each place have: places in proportion to the weights; a hop that comes or goes moves few of the others'. */
import { hash53 } from '../intent/check/hash-set.js';

/** HOP_SLOTS of bpf/abi/limits.h: a power of two. */
const HOP_SLOTS = 128;
/** Tables that are kept: nodes behind the same next hops share one. */
const KEPT_TABLES = 256;

const OFFSET_SEED = 3;
const SKIP_SEED = 4;

/** A next hop, as far as its places go. */
interface WeightedHop {
  ifindex: number;
  destMac: string;
  weight: number;
}

const tables = new Map<string, Buffer>();

/**
 * The table of an entry, two places in a byte. It follows from what the hops are and not from what they were before: who fills it anew after
 * a hop failed has the same one.
 *
 * @returns not to be written to; zeros without hops
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

/** Filled as in Maglev (Eisenbud et al., NSDI 2016, section 3.4); whose turn it is, the shares say. */
function fill(hops: readonly WeightedHop[]): Uint8Array {
  const table = new Uint8Array(HOP_SLOTS);
  if (hops.length === 0) return table;
  const turns = hops
    .map((hop, index) => ({
      ...{ name: nameOf(hop), weight: hop.weight, index, share: 0, taken: 0 },
      place: hash53(OFFSET_SEED, nameOf(hop)) % HOP_SLOTS,
      // Odd: it comes by all places.
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

/** Places of each weight: at least one, all of them together. */
function sharesOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = weights.map((weight) => Math.max(1, Math.floor((weight * HOP_SLOTS) / sum)));
  /** How far a share is above what its weight asks for. */
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
