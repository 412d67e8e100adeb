/** How long changes take from the writer to the kernel, in histograms that add up over nodes. */

/** Upper bounds of the buckets, milliseconds; one more without a bound follows. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000] as const;
const BUCKETS = LATENCY_BOUNDS_MS.length + 1;

/**
 * The ways between stamps: written (the writer's commit), fed (the feed had it from etcd), received (the node has the message), planned (it is
 * the agent's turn and the plan has moved), applied (the kernel has it). Stamps of different machines are by different clocks.
 */
export const STAGES = ['fed', 'received', 'planned', 'applied', 'whole'] as const;
export type Stage = (typeof STAGES)[number];

/** Observations by bucket, trailing buckets without any left out. */
export type Latency = Record<Stage, number[]>;

/** Milliseconds since 1970. */
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

/** A change that has arrived. Of clocks that differ a time before the last stamp counts as none. */
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

/** What came since, given what there was: a node that began anew has fewer, and all of its count. */
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

/** The bound below which a share of the observations is, milliseconds; Infinity: above all bounds; undefined: there are none. */
export function quantileMs(counts: readonly number[], share: number): number | undefined {
  const wanted = Math.ceil(countOf(counts) * share);
  if (wanted === 0) return undefined;
  let sum = 0;
  const at = counts.findIndex((count) => (sum += count) >= wanted);
  return LATENCY_BOUNDS_MS[at] ?? Infinity;
}
