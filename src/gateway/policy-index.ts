/**
 * What a process knows of the policy sets in the maps, so that a change costs what is changed: which set a pair of zones has, what belongs
 * to a set, which places and slots are free. Read from the maps once; valid until another process writes.
 */
import { RangeAllocator } from './range-allocator.js';
import type { Run } from './range-allocator.js';

/** What belongs to one set. Keys stand one after the other. */
export interface SetEntries {
  rules: Buffer;
  sources: Buffer;
  destinations: Buffer;
  /** Of policy_ports. */
  runs: readonly Run[];
  /** Of the policies that it names, each once. */
  slots: readonly number[];
}

export class PolicyIndex {
  readonly ports: RangeAllocator;
  readonly #sets: Map<number, SetEntries>;
  /** Ids, by `<zone from> <zone to>`. */
  readonly #inForce: Map<string, number>;
  /** Ids of the sets that are in no pair's force. */
  readonly #left: Set<number>;
  /** Sets that name a policy, by its slot. */
  readonly #uses = new Map<number, number>();

  /**
   * @param places of policy_ports
   * @param sets every set, whole or not
   * @param inForce may name sets that are not there
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

  /** Takes a set in that is in nobody's force yet. */
  add(id: number, entries: SetEntries): void {
    this.#sets.set(id, entries);
    this.#left.add(id);
    this.#use(entries.slots);
  }

  /** A pair has another set, or none. */
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

  /** The sets that are in no pair's force. */
  left(): [id: number, entries: SetEntries][] {
    return [...this.#left].flatMap((id) => {
      const entries = this.#sets.get(id);
      return entries === undefined ? [] : [[id, entries] as [number, SetEntries]];
    });
  }

  /** Forgets a set whose entries are gone. @returns slots that no set names any more */
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
