/** Saves the telemetry among the node's run-time files, for the node's next agent. */
import { readVersion } from './version.js';
import { keepCounters, keepJournal, readKeptCounters, readKeptJournal } from './kept-counters.js';
import type { Logger } from './log.js';
import type { Telemetry } from './telemetry.js';

/** Milliseconds. */
const SAVE_MS = 10_000;

export class Keeper {
  readonly #telemetry: Telemetry;
  readonly #directory: string;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #saved = '';
  #isFailing = false;

  constructor(telemetry: Telemetry, directory: string, log: Logger) {
    this.#telemetry = telemetry;
    this.#directory = directory;
    this.#log = log;
  }

  start(): void {
    const { journal } = this.#telemetry;
    const counters = readKeptCounters(this.#directory);
    if (counters !== undefined) this.#telemetry.restore(counters);
    const notes = readKeptJournal(this.#directory);
    if (notes !== undefined) journal.restore(notes);
    journal.note({ what: 'started', text: `segue ${readVersion()}` });
    this.#timer = setInterval(() => {
      this.save();
    }, SAVE_MS);
  }

  /** Saves the telemetry if it changed. A failure is logged once and does not affect the agent's work. */
  save(): void {
    const { journal, counters } = this.#telemetry;
    const text = JSON.stringify(counters);
    try {
      if (text !== this.#saved) keepCounters(this.#directory, counters);
      this.#saved = text;
      if (journal.isChanged) keepJournal(this.#directory, journal.state);
      journal.isChanged = false;
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#log.warn({ err: error }, 'counters and journal could not be saved');
      this.#isFailing = true;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.save();
  }
}
