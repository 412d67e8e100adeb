export interface HistogramState {
  /** Upper bounds, ascending; the last bucket has no bound and follows them. */
  bounds: readonly number[];
  /** Observations in each bucket, not cumulative. */
  counts: number[];
  sum: number;
}

/** Counts observations in buckets. */
export class Histogram {
  readonly state: HistogramState;

  constructor(bounds: readonly number[]) {
    this.state = { bounds, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
  }

  observe(value: number): void {
    const { bounds, counts } = this.state;
    const found = bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? bounds.length : found;
    counts[at] = (counts[at] ?? 0) + 1;
    this.state.sum += value;
  }

  /** Adds the observations of another histogram, if it has the same bounds. */
  add({ bounds, counts, sum }: HistogramState): void {
    const own = this.state;
    if (bounds.length !== own.bounds.length || bounds.some((bound, at) => bound !== own.bounds[at])) return;
    counts.forEach((count, at) => {
      own.counts[at] = (own.counts[at] ?? 0) + count;
    });
    own.sum += sum;
  }
}
