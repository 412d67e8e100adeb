/** What bench/scrape measured, as its result file keeps it. */
import type { Machine } from '../lib/machine.js';

export const WAYS = ['at rest', 'Prometheus', 'streams'] as const;
/** At rest; scraped by a Prometheus; read by several readers at once, each without a pause. */
export type Way = (typeof WAYS)[number];

export interface Measured {
  way: Way;
  /** How long the agent's event loop was held, milliseconds. Of Prometheus' phase p50 is the median, the others the most, of its samples. */
  loop: { p50: number; p99: number; max: number };
  /** Of processor, milliseconds: of the agent's own process, and of those it has answers made by. */
  cpuMs: { agent: number; api: number };
  /** Answers that were read to their end. */
  answers: number;
  /** In all of them. */
  series: number;
  /** Longest time that Prometheus waited for one, milliseconds; null: it did not ask. */
  slowestMs: number | null;
  seconds: number;
  /** Runnable processes over the last minute, when it ended. */
  load1: number;
}

export interface ScrapeResults {
  machine: Machine;
  ports: number;
  tenants: number;
  streams: number;
  /** Series of one answer. */
  series: { node: number; ports: number; tenants: number };
  rounds: number;
  measured: Measured[];
}
