/**
 * Underlay destinations without next hops. Right after an uplink comes up its link-local address is tentative, and the kernel solicits no
 * neighbours from it: an application then finds them unresolved.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { manageNeighbours } from './managed-neighbours.js';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { BpfUnderlay } from './objects.js';

/** Duplicate address detection takes one to two seconds (RFC 4862 section 5.4). */
const WAIT_MS = 4000;
const POLL_MS = 50;
/** Interval of solicitations: the kernel solicits a managed neighbour only every five seconds. */
const SOLICIT_MS = 1000;

/** A locator or a transit segment without next hops. */
export interface Unreachable {
  /** Prefix: a node's locator, or a segment with /128. */
  destination: string;
  reason: string;
}

type Underlays = ReadonlyMap<string, BpfUnderlay>;

/** Destinations without next hops although `apply` or the agent planned them, with the reason. */
export function findUnreachable(kernel: Kernel, underlays: Underlays): Unreachable[] {
  kernel.links.refresh();
  const resolver = new Resolver(kernel);
  return [...underlays].flatMap(([destination, underlay]) => {
    const { hops, gateways } = resolver.resolve(underlay);
    // A neighbour that was not solicited yet may still resolve.
    if (hops.length > 0 || gateways.some(({ managed, fixed }) => !managed && !fixed)) return [];
    const silent = gateways.map(({ address, ifindex }) => `${address} dev ${kernel.links.nameOf(ifindex)}`);
    const reason =
      silent.length > 0
        ? `no answer from ${silent.join(', ')}`
        : 'no usable route (ip -6 route get shows the present one)';
    return [{ destination, reason }];
  });
}

/**
 * Waits, for a bounded time, until each destination whose route has a neighbour is resolved. Destinations without a route are not waited for.
 *
 * @returns whether any destination was resolved meanwhile
 */
export async function awaitNeighbours(kernel: Kernel, underlays: Underlays): Promise<boolean> {
  let open = silentOf(kernel, underlays);
  const first = open.size;
  const start = performance.now();
  let solicited = -Infinity;
  while (open.size > 0 && performance.now() - start < WAIT_MS) {
    if (performance.now() - solicited >= SOLICIT_MS) {
      solicited = performance.now();
      await manageNeighbours(kernel, [...open.values()], { again: true });
    }
    await sleep(POLL_MS);
    open = silentOf(kernel, open);
  }
  return open.size < first;
}

function silentOf(kernel: Kernel, underlays: Underlays): Map<string, BpfUnderlay> {
  const resolver = new Resolver(kernel);
  return new Map(
    [...underlays].filter(([, underlay]) => {
      const { hops, gateways } = resolver.resolve(underlay);
      return hops.length === 0 && gateways.length > 0;
    }),
  );
}
