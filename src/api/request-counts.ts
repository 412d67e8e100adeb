import { Histogram } from '../kernel/histogram.js';

/** Seconds. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

/** Requests that were answered, by route and class of status. */
export class RequestCounts {
  readonly #counts = new Map<string, { route: string; code: string; count: number }>();
  readonly #seconds = new Map<string, Histogram>();

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
