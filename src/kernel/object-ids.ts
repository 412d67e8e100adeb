export interface ObjectIdRange {
  /** Name of the objects, for messages. */
  what: string;
  first: number;
  count: number;
}

/** Maps keys of a kind of kernel objects to ids and back, and allocates free ids. Filled from the kernel's objects and never saved. */
export class ObjectIds {
  readonly #range: ObjectIdRange;
  readonly #ids = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  readonly #foreign = new Set<number>();
  #next: number;

  constructor(range: ObjectIdRange) {
    this.#range = range;
    this.#next = range.first;
  }

  clear(): void {
    this.#ids.clear();
    this.#keys.clear();
    this.#foreign.clear();
    this.#next = this.#range.first;
  }

  /** Excludes an id that an object of others has. */
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

  entries(): IterableIterator<[key: string, id: number]> {
    return this.#ids.entries();
  }

  /**
   * The id of a key; allocates a free one if it has none.
   *
   * @throws Error if none is free
   */
  allocate(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const { what, first, count } = this.#range;
    const end = first + count;
    for (let tried = 0; tried < count; tried++) {
      const id = this.#next;
      this.#next = id + 1 < end ? id + 1 : first;
      if (this.#keys.has(id) || this.#foreign.has(id)) continue;
      this.set(key, id);
      return id;
    }
    throw new Error(`no free id for a ${what} in ${first}..${end - 1}`);
  }

  release(key: string): void {
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#keys.delete(id);
  }
}
