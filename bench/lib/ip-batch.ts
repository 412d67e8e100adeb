/** The same routes as `ip -batch` takes them. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './processes.js';
import type { Plan } from '../../src/plan/plan.js';

/** One command a route, each with an encapsulation of its own. */
export function ownEncapBatch({ nexthop, route }: Plan): string[] {
  const lines: string[] = [];
  for (const { table, prefix, nexthop: key } of route.values()) {
    const via = key === undefined ? undefined : nexthop.get(key);
    if (via === undefined) continue;
    const encap = `encap seg6 mode ${via.mode} segs ${via.segments.join(',')} dev ${via.device}`;
    lines.push(`route add ${prefix} table ${table} proto 94 ${encap}`);
  }
  return lines;
}

/** The next-hop objects, then the routes that name them: what segue itself makes, of IPv4. */
export function nexthopBatch({ nexthop, route }: Plan): string[] {
  const lines: string[] = [];
  const ids = new Map<string, number>();
  let next = 1;
  for (const [key, { family, mode, segments, device }] of nexthop) {
    // ip has no word for the family of a next hop without a gateway: it follows -4 and -6, which a batch cannot change.
    if (family !== 4) continue;
    const id = next++;
    ids.set(key, id);
    lines.push(`nexthop add id ${id} encap seg6 mode ${mode} segs ${segments.join(',')} dev ${device} proto 94`);
  }
  for (const { table, prefix, nexthop: key } of route.values()) {
    const id = key === undefined ? undefined : ids.get(key);
    if (id !== undefined) lines.push(`route add ${prefix} table ${table} proto 94 nhid ${id}`);
  }
  return lines;
}

/** How often what failed is given to ip again, and how long after, milliseconds. */
const MAX_RUNS = 50;
const RETRY_DELAY_MS = 20;

export interface BatchResult {
  /** All runs together, milliseconds. */
  ms: number;
  peakMiB: number;
  /** Commands the kernel had no memory for at first: ip itself does not try again. */
  retried: number;
}

/**
 * Runs a batch to its end: what the kernel refused for want of per-CPU memory goes into a batch of its own, until
 * nothing is left of it. Writing that file is not counted, nor is the time the kernel is given to find memory.
 *
 * @throws Error when something fails for another reason, or too often
 */
export async function runBatch(lines: readonly string[], netns: string, file: string): Promise<BatchResult> {
  const result: BatchResult = { ms: 0, peakMiB: 0, retried: 0 };
  let left = lines;
  for (let attempt = 0; attempt < MAX_RUNS; attempt++) {
    writeFileSync(file, left.join('\n') + '\n');
    const { ms, peakMiB, stderr } = await run('ip', ['-force', '-batch', file], { netns });
    result.ms += ms;
    result.peakMiB = Math.max(result.peakMiB, peakMiB);
    const failed = [...stderr.matchAll(/^Command failed .*:(\d+)$/gm)].map((match) => left[Number(match[1]) - 1] ?? '');
    if (failed.length === 0) return result;
    const reasons = new Set(stderr.match(/^(RTNETLINK answers|Error): .*$/gm));
    if (reasons.size !== 1 || !reasons.has('RTNETLINK answers: Cannot allocate memory')) {
      throw new Error(`ip -batch: ${[...reasons].join('; ')}`);
    }
    result.retried += failed.length;
    left = failed;
    await sleep(RETRY_DELAY_MS);
  }
  throw new Error(`ip -batch: ${left.length} commands failed ${MAX_RUNS} times`);
}
