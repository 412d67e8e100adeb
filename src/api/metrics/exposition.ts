/** Formats metrics for Prometheus: text format 0.0.4, or OpenMetrics 1.0. */
import type { HistogramState } from '../../kernel/histogram.js';

export type MetricType = 'counter' | 'gauge' | 'histogram';
export type Labels = Readonly<Record<string, string>>;

/** Prefix of all names except those common to all exporters (`process_…`). */
const PREFIX = 'segue_';
const SHARED = /^(process|nodejs)_/;

/** A metric with its series. */
export class Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly #lines = new Map<string, string>();

  constructor(name: string, type: MetricType, help: string) {
    this.name = SHARED.test(name) ? name : PREFIX + name;
    this.type = type;
    this.help = help;
  }

  get lines(): Iterable<string> {
    return this.#lines.values();
  }

  get size(): number {
    return this.#lines.size;
  }

  /** @throws Error for a duplicate series, of which Prometheus would silently drop one */
  add(labels: Labels, value: number): this {
    this.#put('', labels, value);
    return this;
  }

  addHistogram(labels: Labels, { bounds, counts, sum }: HistogramState): this {
    let total = 0;
    counts.forEach((count, index) => {
      total += count;
      this.#put('_bucket', { ...labels, le: numberText(bounds[index] ?? Infinity) }, total);
    });
    this.#put('_sum', labels, sum);
    this.#put('_count', labels, total);
    return this;
  }

  #put(suffix: string, labels: Labels, value: number): void {
    const series = `${this.name}${suffix}${labelText(labels)}`;
    if (this.#lines.has(series)) throw new Error(`${series}: twice`);
    this.#lines.set(series, `${series} ${numberText(value)}\n`);
  }
}

/** @param openMetrics false: text format 0.0.4 */
export function* exposition(families: Iterable<Family>, openMetrics: boolean): Generator<string, void, undefined> {
  for (const family of families) {
    if (family.size === 0) continue;
    // In OpenMetrics 1.0 a counter's family lacks the suffix of its series (MetricFamily).
    const name = openMetrics && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
    yield `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${family.type}\n`;
    yield* family.lines;
  }
  if (openMetrics) yield '# EOF\n';
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

function numberText(value: number): string {
  return value === Infinity ? '+Inf' : String(value);
}
