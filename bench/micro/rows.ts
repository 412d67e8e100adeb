/** A measured figure, and how the micro benchmarks measure. */
import { spread } from '../lib/statistics.js';

export interface Row {
  name: string;
  /** "entries/s", "ns", … */
  unit: string;
  median: number;
  /** smallest and largest of the rounds */
  spread: [min: number, max: number];
}

export interface Effort {
  /** measurements of each; they take turns */
  rounds: number;
  /** factor on sizes and repetitions: 1 for figures, 0.01 to see that it works */
  scale: number;
}

/** How often a thing is done at an effort, at least once. */
export function times(count: number, { scale }: Effort): number {
  return Math.max(1, Math.round(count * scale));
}

export function row(name: string, unit: string, values: readonly number[]): Row {
  const { median, min, max } = spread(values);
  return { name, unit, median, spread: [min, max] };
}

/** Nanoseconds fn takes. */
export function elapsed(fn: () => void): number {
  const start = process.hrtime.bigint();
  fn();
  return Number(process.hrtime.bigint() - start);
}

/** One thing to measure: run() gives a figure in the unit. */
export interface Subject {
  name: string;
  unit: string;
  run: () => number;
}

/** Measures subjects in turns (A B C A B C), after a round that does not count. */
export function measure(subjects: readonly Subject[], { rounds }: Effort): Row[] {
  const values = subjects.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const value = subject.run();
      if (round >= 0) values[index]?.push(value);
    }
  }
  return subjects.map(({ name, unit }, index) => row(name, unit, values[index] ?? []));
}

/** A figure of fn done `count` times in a row, in ns each. */
export function nsEach(name: string, count: number, fn: () => void): Subject {
  return {
    name,
    unit: 'ns',
    run: () =>
      elapsed(() => {
        for (let index = 0; index < count; index++) fn();
      }) / count,
  };
}

/** A rate: fn does `count` of something. */
export function perSecond(name: string, unit: string, count: number, fn: () => void): Subject {
  return { name, unit: `${unit}/s`, run: () => (count * 1e9) / elapsed(fn) };
}
