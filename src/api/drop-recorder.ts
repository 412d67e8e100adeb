/** Notes a few times an hour what was dropped so far, for reports. */
import { dropsWithin, readDropCounts, withSample } from '../observe/report/drop-history.js';
import { keepDropSamples, readDropSamples } from '../observe/report/drop-file.js';
import { withContext } from './shown.js';
import type { BasisReader } from './basis.js';
import type { DropSample } from '../observe/report/drop-history.js';
import type { Turns } from './turns.js';

const LOOK_MS = 300_000;
/** The agent has the first intent by then, mostly. */
const FIRST_MS = 5000;

export class DropRecorder {
  readonly #directory: string;
  readonly #basis: BasisReader;
  readonly #turns: Turns;

  /** @param directory of the node's run-time files */
  constructor(directory: string, basis: BasisReader, turns: Turns) {
    this.#directory = directory;
    this.#basis = basis;
    this.#turns = turns;
  }

  start(): void {
    const look = (): void => {
      // What cannot be read now is read the next time, and a report that asks says why not.
      this.#sample().catch(() => undefined);
    };
    setTimeout(look, FIRST_MS).unref();
    setInterval(look, LOOK_MS).unref();
  }

  /** Of the last day. @throws Problem, or what the kernel says */
  async drops(): Promise<ReturnType<typeof dropsWithin>> {
    const { before, now } = await this.#sample();
    return dropsWithin(before, now);
  }

  async #sample(): Promise<{ before: DropSample[]; now: DropSample }> {
    const counts = await this.#turns.run(() => withContext(this.#basis.read(), readDropCounts));
    const now = { at: Date.now() / 1000, counts };
    const before = readDropSamples(this.#directory);
    const samples = withSample(before, now);
    if (samples.at(-1) === now) keepDropSamples(this.#directory, samples);
    return { before, now };
  }
}
