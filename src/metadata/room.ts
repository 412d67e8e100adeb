/** Limits memory for incomplete bodies, for each port and in total, so that no port can use all of it. */

export class Room {
  readonly #all: number;
  readonly #each: number;
  readonly #taken = new Map<number, number>();
  #total = 0;

  /** @param all total bytes @param each bytes of a port */
  constructor(all: number, each: number) {
    this.#all = all;
    this.#each = each;
  }

  /** Reserves bytes for a port. @returns false if that exceeds a limit; nothing is then reserved */
  take(ifindex: number, bytes: number): boolean {
    const taken = (this.#taken.get(ifindex) ?? 0) + bytes;
    if (taken > this.#each || this.#total + bytes > this.#all) return false;
    this.#taken.set(ifindex, taken);
    this.#total += bytes;
    return true;
  }

  /** Releases reserved bytes. */
  give(ifindex: number, bytes: number): void {
    const left = (this.#taken.get(ifindex) ?? 0) - bytes;
    if (left > 0) this.#taken.set(ifindex, left);
    else this.#taken.delete(ifindex);
    this.#total -= bytes;
  }
}
