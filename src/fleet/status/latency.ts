/** Latencies of changes from the writer to the kernel, as histograms that can be added over nodes. */

/** Upper bounds of the buckets in milliseconds; the last bucket has no bound and follows them. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000] as const;
const BUCKETS = LATENCY_BOUNDS_MS.length + 1;

/**
 * Latencies between stamps: written (the writer's commit), fed (the feed received it from etcd), received (the node has the message), planned (the
 * agent has updated the plan), applied (the kernel has it). Stamps of different machines come from different clocks.
 */
export const STAGES = ['fed', 'received', 'planned', 'applied', 'whole'] as const;
export type Stage = (typeof STAGES)[number];

/** Observations by bucket, without empty trailing buckets. */
export type Latency = Record<Stage, number[]>;

/** In milliseconds since 1970. */
export interface Stamps {
  writtenMs: number;
  fedMs: number;
  receivedMs: number;
  plannedMs: number;
  appliedMs: number;
}

export function newLatency(): Latency {
  return { fed: [], received: [], planned: [], applied: [], whole: [] };
}

/** Records a change. If clocks differ, a negative latency counts as zero. */
export function observeStamps(latency: Latency, stamps: Stamps): void {
  const { writtenMs, fedMs, receivedMs, plannedMs, appliedMs } = stamps;
  observeMs(latency.fed, fedMs - writtenMs);
  observeMs(latency.received, receivedMs - fedMs);
  observeMs(latency.planned, plannedMs - receivedMs);
  observeMs(latency.applied, appliedMs - plannedMs);
  observeMs(latency.whole, appliedMs - writtenMs);
}

function observeMs(counts: number[], ms: number): void {
  const found = LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound);
  const at = found < 0 ? BUCKETS - 1 : found;
  while (counts.length <= at) counts.push(0);
  counts[at] = (counts[at] ?? 0) + 1;
}

export function addLatency(sum: Latency, more: Latency): void {
  for (const stage of STAGES) {
    more[stage].forEach((count, at) => {
      while (sum[stage].length <= at) sum[stage].push(0);
      sum[stage][at] = (sum[stage][at] ?? 0) + count;
    });
  }
}

/** The difference between two readings. After a restart a node's counts are lower, and all of them are new. */
export function latencySince(now: Latency, before: Latency | undefined): Latency {
  const since = newLatency();
  for (const stage of STAGES) {
    const old = before?.[stage] ?? [];
    const isAnew = old.some((count, at) => count > (now[stage][at] ?? 0));
    since[stage] = now[stage].map((count, at) => count - (isAnew ? 0 : (old[at] ?? 0)));
  }
  return since;
}

export function countOf(counts: readonly number[]): number {
  return counts.reduce((sum, one) => sum + one, 0);
}

/** The bucket's bound at a quantile in milliseconds; Infinity: beyond all bounds; undefined: no observations. */
export function quantileMs(counts: readonly number[], share: number): number | undefined {
  const wanted = Math.ceil(countOf(counts) * share);
  if (wanted === 0) return undefined;
  let sum = 0;
  const at = counts.findIndex((count) => (sum += count) >= wanted);
  return LATENCY_BOUNDS_MS[at] ?? Infinity;
}
