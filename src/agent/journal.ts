/** What happened at a node of late, for its report: bounded, and kept for the next agent. */

/**
 * `drift`: somebody had changed an object, and it was put right; `failure`: an object could not be made; `refused`, `held`: an intent was;
 * `lost`: notifications of the kernel were; `started`: an agent did.
 */
export const NOTE_KINDS = ['drift', 'failure', 'refused', 'held', 'lost', 'started'] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

export interface Note {
  what: NoteKind;
  /** Of the object. */
  kind?: string;
  action?: string;
  text: string;
}

/** The same note, as often as it came. */
export interface JournalEntry extends Note {
  /** Seconds since 1970. */
  first: number;
  last: number;
  count: number;
}

/** Seconds that an entry is kept after it came last. */
export const KEPT_SECONDS = 25 * 3600;
/** Entries of each kind; more are counted. */
export const MAX_ENTRIES = 100;
const MAX_TEXT_CHARS = 300;

export interface JournalState {
  /** Seconds since 1970: nothing is known from before. */
  since: number;
  entries: JournalEntry[];
  /** Notes that there was no room for, by kind. */
  omitted: Partial<Record<NoteKind, number>>;
}

export class NoteLog {
  readonly #now: () => number;
  #entries = new Map<string, JournalEntry>();
  #omitted: JournalState['omitted'] = {};
  #since: number;
  /** Something came since it was last saved. */
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

  /** What is counted alone: of a hundred thousand objects that changed at once each note would cost the event loop. */
  omit(what: NoteKind, count: number): void {
    if (count <= 0) return;
    this.isChanged = true;
    this.#omitted[what] = (this.#omitted[what] ?? 0) + count;
  }

  /** Goes on from what another agent of the node left. */
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
