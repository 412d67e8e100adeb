import { z } from 'zod';
import { Histogram } from '../kernel/histogram.js';
import { readRegularFile } from '../intent/regular-file.js';
import { replaceFile } from '../kernel/replace-file.js';

/** Seconds. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

const natural = z.int().nonnegative();
const keptSchema = z.strictObject({
  counts: z.array(z.strictObject({ route: z.string(), code: z.string(), count: natural })),
  seconds: z.array(
    z.tuple([
      z.string(),
      z.strictObject({ bounds: z.array(z.number()), counts: z.array(natural), sum: z.number().nonnegative() }),
    ]),
  ),
});

/** Requests that were answered, by route and class of status; they go on from where another process of the node's was. */
export class RequestCounts {
  readonly #file: string;
  readonly #counts = new Map<string, { route: string; code: string; count: number }>();
  readonly #seconds = new Map<string, Histogram>();

  /** @param file where they are kept, among the node's run-time files */
  constructor(file: string) {
    this.#file = file;
    try {
      const { counts, seconds } = keptSchema.parse(JSON.parse(readRegularFile(file).toString()));
      for (const one of counts) this.#counts.set(`${one.route} ${one.code}`, one);
      for (const [route, state] of seconds) {
        const histogram = new Histogram(BUCKETS);
        histogram.add(state);
        this.#seconds.set(route, histogram);
      }
    } catch {
      // None yet, or none of this build's.
    }
  }

  /** Before they are told: a counter must not fall. */
  keep(): void {
    const seconds = [...this.#seconds].map(([route, { state }]) => [route, state]);
    try {
      replaceFile(this.#file, JSON.stringify({ counts: this.counts, seconds }), 0o600);
    } catch {
      // Without it the next process begins anew, as counters may.
    }
  }

  /** @param route the path of the route; what none has is `other` */
  note(route: string, status: number, seconds: number): void {
    const code = `${Math.floor(status / 100)}xx`;
    const key = `${route} ${code}`;
    const known = this.#counts.get(key) ?? { route, code, count: 0 };
    known.count += 1;
    this.#counts.set(key, known);
    const histogram = this.#seconds.get(route) ?? new Histogram(BUCKETS);
    histogram.observe(seconds);
    this.#seconds.set(route, histogram);
  }

  get counts(): { route: string; code: string; count: number }[] {
    return [...this.#counts.values()];
  }

  get seconds(): ReadonlyMap<string, Histogram> {
    return this.#seconds;
  }
}
