import { z } from 'zod';
import { Histogram } from '../kernel/histogram.js';
import { readRegularFile } from '../intent/regular-file.js';
import { replaceFile } from '../kernel/replace-file.js';

/** In seconds. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

/**
 * Groups of routes with similar costs, because a histogram has ten series. `agent`: answered from the agent's state; `shown`: walks the kernel;
 * `command`: runs a process; `stream`: lasts as long as its reader; `other`: unknown paths.
 */
export const ROUTE_GROUPS = ['agent', 'metrics', 'shown', 'command', 'stream', 'other'] as const;
export type RouteGroup = (typeof ROUTE_GROUPS)[number];

export interface CountedAs {
  route: string;
  group: RouteGroup;
}

export const NO_ROUTE: CountedAs = { route: 'other', group: 'other' };

const natural = z.int().nonnegative();
const keptSchema = z.strictObject({
  counts: z.array(z.strictObject({ route: z.string(), code: z.string(), count: natural })),
  seconds: z.array(
    z.tuple([
      z.enum(ROUTE_GROUPS),
      z.strictObject({ bounds: z.array(z.number()), counts: z.array(natural), sum: z.number().nonnegative() }),
    ]),
  ),
});

/** Answered requests by route and class of status, and their duration by group. The counters continue those of the node's previous process. */
export class RequestCounts {
  readonly #file: string;
  readonly #counts = new Map<string, { route: string; code: string; count: number }>();
  readonly #seconds = new Map<RouteGroup, Histogram>();

  /** @param file file of the counters among the node's run-time files */
  constructor(file: string) {
    this.#file = file;
    try {
      const { counts, seconds } = keptSchema.parse(JSON.parse(readRegularFile(file).toString()));
      for (const one of counts) this.#counts.set(`${one.route} ${one.code}`, one);
      for (const [group, state] of seconds) {
        const histogram = new Histogram(BUCKETS);
        histogram.add(state);
        this.#seconds.set(group, histogram);
      }
    } catch {
      // The file does not exist, or is of another build.
    }
  }

  /** Must be called before the counters are read, because they must not fall. */
  keep(): void {
    const seconds = [...this.#seconds].map(([group, { state }]) => [group, state]);
    try {
      replaceFile(this.#file, JSON.stringify({ counts: this.counts, seconds }), 0o600);
    } catch {
      // If saving fails, the next process restarts the counters at zero, which is allowed.
    }
  }

  note({ route, group }: CountedAs, status: number, seconds: number): void {
    const code = `${Math.floor(status / 100)}xx`;
    const key = `${route} ${code}`;
    const known = this.#counts.get(key) ?? { route, code, count: 0 };
    known.count += 1;
    this.#counts.set(key, known);
    const histogram = this.#seconds.get(group) ?? new Histogram(BUCKETS);
    histogram.observe(seconds);
    this.#seconds.set(group, histogram);
  }

  get counts(): { route: string; code: string; count: number }[] {
    return [...this.#counts.values()];
  }

  get seconds(): ReadonlyMap<RouteGroup, Histogram> {
    return this.#seconds;
  }
}
