/** Allocates runs of an array's slots: first fit. */

export interface Run {
  first: number;
  count: number;
}

export class RangeAllocator {
  /** Free runs, ascending and disjoint. */
  readonly #free: Run[] = [];

  /** @param taken runs in use, in any order */
  constructor(size: number, taken: readonly Run[]) {
    let next = 0;
    for (const { first, count } of [...taken].sort((a, b) => a.first - b.first)) {
      if (first > next) this.#free.push({ first: next, count: first - next });
      next = Math.max(next, first + count);
    }
    if (next < size) this.#free.push({ first: next, count: size - next });
  }

  /** @throws Error if no free run is long enough */
  allocate(count: number): number {
    const at = this.#free.findIndex((run) => run.count >= count);
    const run = this.#free[at];
    if (run === undefined) throw new Error(`no ${count} places are free for the ports of policies`);
    const { first } = run;
    if (run.count === count) this.#free.splice(at, 1);
    else {
      run.first += count;
      run.count -= count;
    }
    return first;
  }

  /** Frees an allocated run. */
  release({ first, count }: Run): void {
    let at = this.#free.findIndex((run) => run.first > first);
    if (at < 0) at = this.#free.length;
    const [before, after] = [this.#free[at - 1], this.#free[at]];
    const joinsAfter = after?.first === first + count;
    const merged = { first, count: count + (joinsAfter ? after.count : 0) };
    const joinsBefore = before !== undefined && before.first + before.count === first;
    if (joinsBefore) {
      before.count += merged.count;
      if (joinsAfter) this.#free.splice(at, 1);
    } else this.#free.splice(at, joinsAfter ? 1 : 0, merged);
  }
}
