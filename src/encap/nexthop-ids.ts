import { NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT } from '../plan/numbers.js';

/** Ids of next-hop objects, both ways, and the next free one. Filled from the kernel's list, never kept elsewhere. */
export class NexthopIds {
  readonly #ids = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  readonly #foreign = new Set<number>();
  #next = NEXTHOP_ID_BASE;

  clear(): void {
    this.#ids.clear();
    this.#keys.clear();
    this.#foreign.clear();
    this.#next = NEXTHOP_ID_BASE;
  }

  /** An id in the range that somebody else has. */
  occupy(id: number): void {
    this.#foreign.add(id);
  }

  set(key: string, id: number): void {
    this.#ids.set(key, id);
    this.#keys.set(id, key);
  }

  get(key: string): number | undefined {
    return this.#ids.get(key);
  }

  keyOf(id: number): string | undefined {
    return this.#keys.get(id);
  }

  /** The key's id, or a free one that is the key's from now on. */
  allocate(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    for (let tried = 0; tried < NEXTHOP_ID_COUNT; tried++) {
      const id = this.#next;
      this.#next = id + 1 < NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT ? id + 1 : NEXTHOP_ID_BASE;
      if (this.#keys.has(id) || this.#foreign.has(id)) continue;
      this.set(key, id);
      return id;
    }
    throw new Error(`no next-hop id is free in ${NEXTHOP_ID_BASE}..${NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT - 1}`);
  }

  release(key: string): void {
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#keys.delete(id);
  }
}
