/**
 * A set of strings that knows its first members in order, up to a bound. Which members are first depends on the members
 * alone, not on the order they came in, so a restart picks the same ones.
 */
export class SmallestSet {
  readonly #bound: number;
  readonly #all = new Set<string>();
  /** The smallest, ascending; what is beyond the bound is only in #all. */
  #first: string[] = [];

  constructor(bound: number) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#all.size;
  }

  get first(): readonly string[] {
    return this.#first;
  }

  has(member: string): boolean {
    return this.#all.has(member);
  }

  add(member: string): void {
    if (this.#all.has(member)) return;
    this.#all.add(member);
    const last = this.#first.at(-1);
    if (this.#first.length >= this.#bound && last !== undefined && member > last) return;
    this.#first.splice(this.#position(member), 0, member);
    if (this.#first.length > this.#bound) this.#first.pop();
  }

  delete(member: string): void {
    if (!this.#all.delete(member)) return;
    const position = this.#position(member);
    if (this.#first[position] !== member) return;
    // One of those beyond the bound moves up: only a scan finds it, and only sets beyond the bound pay for it.
    if (this.#all.size >= this.#bound) this.#first = [...this.#all].sort().slice(0, this.#bound);
    else this.#first.splice(position, 1);
  }

  #position(member: string): number {
    let low = 0;
    let high = this.#first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#first[middle] ?? '') < member) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
