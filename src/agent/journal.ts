/** Recent events at a node, for its report: bounded, and kept for the next agent. */

/**
 * `drift`: an object that others had changed was repaired; `failure`: an object could not be made; `refused`, `held`: an intent was refused, or
 * held by the removal guard; `lost`: notifications of the kernel were lost; `started`: an agent started.
 */
export const NOTE_KINDS = ['drift', 'failure', 'refused', 'held', 'lost', 'started'] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

export interface Note {
  what: NoteKind;
  /** Kind of the object. */
  kind?: string;
  action?: string;
  text: string;
}

/** Equal notes, counted. */
export interface JournalEntry extends Note {
  /** Seconds since 1970. */
  first: number;
  last: number;
  count: number;
}

/** Seconds that an entry is kept after its last occurrence. */
export const KEPT_SECONDS = 25 * 3600;
/** Entries kept for each kind; the rest is only counted. */
export const MAX_ENTRIES = 100;
const MAX_TEXT_CHARS = 300;

export interface JournalState {
  /** Start of the journal, in seconds since 1970. */
  since: number;
  entries: JournalEntry[];
  /** Number of notes beyond MAX_ENTRIES, by kind. */
  omitted: Partial<Record<NoteKind, number>>;
}

export class NoteLog {
  readonly #now: () => number;
  #entries = new Map<string, JournalEntry>();
  #omitted: JournalState['omitted'] = {};
  #since: number;
  /** Whether a note was added since the last save. */
  isChanged = true;

  /** @param now seconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  note({ text, ...note }: Note): void {
    const now = this.#now();
    const clipped = text.slice(0, MAX_TEXT_CHARS);
    const key = JSON.stringify([note.what, note.kind, note.action, clipped]);
    this.isChanged = true;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.last = now;
      known.count += 1;
      return;
    }
    this.#forget(now);
    let ofKind = 0;
    for (const { what } of this.#entries.values()) if (what === note.what) ofKind += 1;
    if (ofKind >= MAX_ENTRIES) {
      this.omit(note.what, 1);
      return;
    }
    this.#entries.set(key, { ...note, text: clipped, first: now, last: now, count: 1 });
  }

  /** Counts notes without storing them: storing each of a hundred thousand changed objects would block the event loop. */
  omit(what: NoteKind, count: number): void {
    if (count <= 0) return;
    this.isChanged = true;
    this.#omitted[what] = (this.#omitted[what] ?? 0) + count;
  }

  /** Continues the journal of the node's previous agent. */
  restore({ since, entries, omitted }: JournalState): void {
    const own = [...this.#entries];
    this.#entries = new Map(
      entries.map((entry) => [JSON.stringify([entry.what, entry.kind, entry.action, entry.text]), entry]),
    );
    for (const [key, entry] of own) this.#entries.set(key, entry);
    this.#omitted = { ...omitted };
    this.#since = Math.min(since, this.#since);
    this.#forget(this.#now());
    this.isChanged = true;
  }

  get state(): JournalState {
    this.#forget(this.#now());
    return { since: this.#since, entries: [...this.#entries.values()], omitted: this.#omitted };
  }

  #forget(now: number): void {
    const from = now - KEPT_SECONDS;
    for (const [key, { last }] of this.#entries) if (last < from) this.#entries.delete(key);
    if (this.#entries.size === 0) this.#omitted = {};
    this.#since = Math.max(this.#since, from);
  }
}
