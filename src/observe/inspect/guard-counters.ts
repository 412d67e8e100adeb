import { OBSERVATIONS } from '../../app/features.js';
import type { Kernel } from '../../kernel/kernel.js';

const TABLES: readonly string[] = OBSERVATIONS.flatMap(({ counterTables = [] }) => counterTables);

/** A named counter of the edge's or the guard's table; its name is the reason. */
export interface GuardCounter {
  table: string;
  /** `source`, `mac`, `srh`, `sid-block`… */
  reason: string;
  packets: number;
  bytes: number;
}

/** Drop counters of edge and guard; empty if the tables are not loaded or lack counters. */
export async function readGuardCounters(kernel: Kernel): Promise<GuardCounter[]> {
  return parseGuardCounters(await kernel.nft(['-j', 'list', 'counters']));
}

/** Parses `nft -j list counters` (libnftables-json(5)). */
export function parseGuardCounters(text: string): GuardCounter[] {
  const { nftables } = JSON.parse(text) as { nftables: Record<string, unknown>[] };
  return nftables.flatMap((entry) => {
    const { family, table, name, packets, bytes } = (entry.counter ?? {}) as Record<string, unknown>;
    const owner = TABLES.find((candidate) => candidate === `${String(family)} ${String(table)}`);
    if (owner === undefined) return [];
    const reason = String(name)
      .replace(/^drop_/, '')
      .replaceAll('_', '-');
    return [{ table: owner, reason, packets: Number(packets), bytes: Number(bytes) }];
  });
}
