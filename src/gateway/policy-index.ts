/**
 * An index of the policy sets in the maps, so that the cost of a change depends only on the change: the set of each pair of zones, the entries of
 * each set, and free slots. It is read from the maps once, and valid until another process writes.
 */
import { RangeAllocator } from './range-allocator.js';
import type { Run } from './range-allocator.js';

/** The entries of a set, as concatenated keys. */
export interface SetEntries {
  rules: Buffer;
  sources: Buffer;
  destinations: Buffer;
  /** In sg_pol_ports. */
  runs: readonly Run[];
  /** Slots of its policies, without duplicates. */
  slots: readonly number[];
}

export class PolicyIndex {
  readonly ports: RangeAllocator;
  readonly #sets: Map<number, SetEntries>;
  /** Ids of sets by `<zone from> <zone to>`. */
  readonly #inForce: Map<string, number>;
  /** Ids of sets that are not in force. */
  readonly #left: Set<number>;
  /** Number of sets that use a policy, by its slot. */
  readonly #uses = new Map<number, number>();

  /**
   * @param places size of sg_pol_ports
   * @param sets all sets, complete or not
   * @param inForce may contain sets that do not exist
   */
  constructor(places: number, sets: Map<number, SetEntries>, inForce: Map<string, number>) {
    this.#sets = sets;
    this.#inForce = inForce;
    this.#left = new Set(sets.keys());
    for (const id of inForce.values()) this.#left.delete(id);
    for (const { slots } of sets.values()) this.#use(slots);
    this.ports = new RangeAllocator(
      places,
      [...sets.values()].flatMap(({ runs }) => [...runs]),
    );
  }

  /** Adds a set that is not in force yet. */
  add(id: number, entries: SetEntries): void {
    this.#sets.set(id, entries);
    this.#left.add(id);
    this.#use(entries.slots);
  }

  /** Records that a pair has another set in force, or none. */
  enforce(pair: string, id: number | undefined): void {
    const before = this.#inForce.get(pair);
    if (before !== undefined && this.#sets.has(before)) this.#left.add(before);
    if (id === undefined) {
      this.#inForce.delete(pair);
      return;
    }
    this.#inForce.set(pair, id);
    this.#left.delete(id);
  }

  /** The sets that are not in force. */
  left(): [id: number, entries: SetEntries][] {
    return [...this.#left].flatMap((id) => {
      const entries = this.#sets.get(id);
      return entries === undefined ? [] : [[id, entries] as [number, SetEntries]];
    });
  }

  /** Removes a set whose entries were deleted. @returns slots that no set uses any longer */
  remove(id: number): number[] {
    const entries = this.#sets.get(id);
    this.#sets.delete(id);
    this.#left.delete(id);
    if (entries === undefined) return [];
    for (const run of entries.runs) this.ports.release(run);
    return entries.slots.filter((slot) => {
      const uses = (this.#uses.get(slot) ?? 1) - 1;
      if (uses > 0) this.#uses.set(slot, uses);
      else this.#uses.delete(slot);
      return uses <= 0;
    });
  }

  #use(slots: readonly number[]): void {
    for (const slot of slots) this.#uses.set(slot, (this.#uses.get(slot) ?? 0) + 1);
  }
}
