import { mapConcurrently } from '../../../lab/concurrent.js';
import { SILENCE_TIMEOUT_S } from '../../../lab/ping.js';
import { familyOf } from 'netlink-ts/inet';
import type { PingOptions } from '../../../lab/ping.js';
import type { TestNetwork } from './network.js';

/** Programs at once. */
const CONCURRENCY = 8;

/** `t100-1 > t100-2 v4` */
export type Pair = string;

export interface Reach {
  /** pairs that got every answer */
  reached: Pair[];
  /** pairs that got none */
  blocked: Pair[];
  /** anything in between, or nothing sent: neither reached nor blocked */
  doubtful: Pair[];
}

/** Pings between all ordered pairs of VMs that a filter lets through, each address of the other, a few times each. */
export async function pingMatrix(
  network: TestNetwork,
  wanted: (from: string, to: string) => boolean,
  { count = 2, timeoutS }: Pick<PingOptions, 'count' | 'timeoutS'> = {},
): Promise<Reach> {
  const { vms } = network.topology;
  const tries = vms.flatMap((from) =>
    vms
      .filter((to) => to !== from && wanted(from.name, to.name))
      .flatMap((to) => to.addresses.map((address) => ({ from: from.name, to: to.name, address }))),
  );
  const reach: Reach = { reached: [], blocked: [], doubtful: [] };
  await mapConcurrently(tries, CONCURRENCY, async ({ from, to, address }) => {
    const { sent, received } = await network.ping(from, address, {
      count,
      ...(timeoutS !== undefined && { timeoutS }),
    });
    const verdict = sent === 0 ? 'doubtful' : received === sent ? 'reached' : received === 0 ? 'blocked' : 'doubtful';
    reach[verdict].push(`${from} > ${to} v${familyOf(address)}`);
  });
  for (const list of Object.values(reach) as Pair[][]) list.sort();
  return reach;
}

/** The tenant of a host of the selftest's network: `t100` of `t100-1`. */
export function tenantOf(host: string): string {
  return host.slice(0, host.indexOf('-'));
}

/** Both families of pairs, sorted as pingMatrix has them. */
export function bothFamilies(pairs: readonly string[]): Pair[] {
  return pairs.flatMap((pair) => [`${pair} v4`, `${pair} v6`]).sort();
}

/** For pingMatrix where nobody is to answer. */
export const UNANSWERED = { count: 1, timeoutS: SILENCE_TIMEOUT_S } as const;
