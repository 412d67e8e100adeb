/** Drops within a day. The kernel only has totals, so these are sampled regularly. */
import { reasonCounts } from '../../ebpf/counters.js';
import { readGuardCounters } from '../inspect/guard-counters.js';
import type { ShowContext } from '../inspect/context.js';

export const REPORT_SECONDS = 24 * 3600;
/** Seconds between two samples: about a hundred a day are kept. */
const SAMPLE_SECONDS = 900;

/** Dropped packets by place and reason, since the counters exist: `fastpath drop-no-member`. */
export type DropCounts = Record<string, number>;

export interface DropSample {
  /** Seconds since 1970. */
  at: number;
  counts: DropCounts;
}

export interface Drops {
  /** `fastpath`, or an nftables table. */
  where: string;
  reason: string;
  packets: number;
}

/** Reasons without drops are omitted. */
export async function readDropCounts({ kernel, config }: ShowContext): Promise<DropCounts> {
  const counts: DropCounts = {};
  const { maps } = kernel.fastpath;
  if (maps !== undefined) {
    for (const { verdict, slug, packets } of reasonCounts(maps, config.dataplane === 'ebpf')) {
      if (verdict === 'drop' && packets > 0) counts[`fastpath ${slug}`] = packets;
    }
  }
  for (const { table, reason, packets } of await readGuardCounters(kernel)) {
    if (packets > 0) counts[`${table} ${reason}`] = packets;
  }
  return counts;
}

/** @returns samples with a new one: those of the last day and the last one before it */
export function withSample(samples: readonly DropSample[], sample: DropSample): DropSample[] {
  const last = samples.at(-1);
  if (last !== undefined && sample.at - last.at < SAMPLE_SECONDS && sample.at >= last.at) return [...samples];
  const from = sample.at - REPORT_SECONDS;
  const firstWithin = samples.findIndex(({ at }) => at >= from);
  const kept = samples.slice(firstWithin < 0 ? -1 : Math.max(0, firstWithin - 1));
  return [...kept.filter(({ at }) => at <= sample.at), sample];
}

/**
 * Drops between the samples and since the last one, most first; counters that fell have restarted at zero.
 *
 * @returns `since`: time of the first sample; null: there is none, and the drops are those ever counted
 */
export function dropsWithin(
  samples: readonly DropSample[],
  now: DropSample,
  seconds = REPORT_SECONDS,
): { since: number | null; drops: Drops[] } {
  const within = samples.filter(({ at }) => at >= now.at - seconds - SAMPLE_SECONDS && at <= now.at);
  const sums = new Map<string, number>();
  let before: DropCounts = within[0]?.counts ?? {};
  for (const { counts } of [...within.slice(1), now]) {
    for (const [key, count] of Object.entries(counts)) {
      const last = before[key] ?? 0;
      const grown = count >= last ? count - last : count;
      if (grown > 0) sums.set(key, (sums.get(key) ?? 0) + grown);
    }
    before = counts;
  }
  const drops = [...sums].map(([key, packets]) => {
    const at = key.lastIndexOf(' ');
    return { where: key.slice(0, at), reason: key.slice(at + 1), packets };
  });
  return { since: within[0]?.at ?? null, drops: drops.sort((a, b) => b.packets - a.packets) };
}
