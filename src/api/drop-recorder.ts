/** Samples the drop counters a few times an hour, for reports. */
import { dropsWithin, readDropCounts, withSample } from '../observe/report/drop-history.js';
import { keepDropSamples, readDropSamples } from '../observe/report/drop-file.js';
import { withContext } from './shown.js';
import type { BasisReader } from './basis.js';
import type { DropSample } from '../observe/report/drop-history.js';
import type { Turns } from './turns.js';

const LOOK_MS = 300_000;
/** By then the agent usually has its first intent. */
const FIRST_MS = 5000;

export class DropRecorder {
  readonly #directory: string;
  readonly #basis: BasisReader;
  readonly #turns: Turns;

  /** @param directory directory of the node's run-time files */
  constructor(directory: string, basis: BasisReader, turns: Turns) {
    this.#directory = directory;
    this.#basis = basis;
    this.#turns = turns;
  }

  start(): void {
    const look = (): void => {
      // A failed sample is repeated at the next interval; a report that needs it shows the error.
      this.#sample().catch(() => undefined);
    };
    setTimeout(look, FIRST_MS).unref();
    setInterval(look, LOOK_MS).unref();
  }

  /** Drops of the last day. @throws Problem, or an error of the kernel */
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
