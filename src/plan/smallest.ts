/** Most members of a chunk, which bounds how many an addition moves. */
const CHUNK_MEMBERS = 128;

/**
 * A set of strings that gives its smallest members, up to a bound. The result depends only on the members and not on their order of arrival, so a
 * restart gives the same ones. The members are held in sorted chunks, so that additions and removals cost about the same for a million members as
 * for a few.
 */
export class SmallestSet {
  readonly #bound: number;
  /** Each chunk is ascending, as is their sequence; none is empty. */
  readonly #chunks: string[][] = [];
  #size = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#size;
  }

  /** The smallest members, ascending, at most `bound` of them. */
  get first(): readonly string[] {
    const first: string[] = [];
    for (const chunk of this.#chunks) {
      for (const member of chunk) {
        if (first.length === this.#bound) return first;
        first.push(member);
      }
    }
    return first;
  }

  has(member: string): boolean {
    const chunk = this.#chunks[this.#chunkOf(member)];
    return chunk?.[positionIn(chunk, member)] === member;
  }

  add(member: string): void {
    const at = this.#chunkOf(member);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([member]);
      this.#size += 1;
      return;
    }
    const position = positionIn(chunk, member);
    if (chunk[position] === member) return;
    chunk.splice(position, 0, member);
    this.#size += 1;
    if (chunk.length > CHUNK_MEMBERS) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_MEMBERS / 2));
  }

  delete(member: string): void {
    const at = this.#chunkOf(member);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const position = positionIn(chunk, member);
    if (chunk[position] !== member) return;
    chunk.splice(position, 1);
    this.#size -= 1;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    else this.#mergeWithNext(at, chunk);
  }

  /** Keeps removals from leaving many chunks of a few members. */
  #mergeWithNext(at: number, chunk: string[]): void {
    const next = this.#chunks[at + 1];
    if (next === undefined || chunk.length + next.length > CHUNK_MEMBERS / 2) return;
    chunk.push(...next);
    this.#chunks.splice(at + 1, 1);
  }

  /** Index of the last chunk that begins at or before a member; 0 if there is none. */
  #chunkOf(member: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0] ?? '') <= member) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Index of a member, or where it would be inserted. */
function positionIn(members: readonly string[], member: string): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((members[middle] ?? '') < member) low = middle + 1;
    else high = middle;
  }
  return low;
}
