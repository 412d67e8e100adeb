/** Counts what each port has open, up to a limit: one VM cannot take what all share. */
export class PortCounts {
  readonly #counts = new Map<number, number>();
  readonly #limit: number;

  /** @param limit of each port */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns false if the port has its limit */
  take(ifindex: number): boolean {
    const count = this.#counts.get(ifindex) ?? 0;
    if (count >= this.#limit) return false;
    this.#counts.set(ifindex, count + 1);
    return true;
  }

  give(ifindex: number): void {
    const left = (this.#counts.get(ifindex) ?? 1) - 1;
    if (left <= 0) this.#counts.delete(ifindex);
    else this.#counts.set(ifindex, left);
  }
}
