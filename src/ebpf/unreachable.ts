/**
 * Ways over the underlay that lead nowhere yet. Right after an uplink comes up its link-local address is tentative, and the kernel solicits
 * no neighbour from it: what an application finds then, it finds unresolved.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { manageNeighbours } from './managed-neighbours.js';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { BpfUnderlay } from './objects.js';

/** Duplicate address detection takes one to two seconds (RFC 4862 section 5.4). */
const WAIT_MS = 4000;
const POLL_MS = 50;
/** How often the neighbours are solicited: the kernel solicits a managed one every five seconds. */
const SOLICIT_MS = 1000;

/** A locator or a transit segment that no packet can be sent to. */
export interface Unreachable {
  /** A prefix: a node's locator, or a segment's /128. */
  destination: string;
  reason: string;
}

type Underlays = ReadonlyMap<string, BpfUnderlay>;

/** Those that have no next hop, though `apply` or the agent asked for one, and why. */
export function findUnreachable(kernel: Kernel, underlays: Underlays): Unreachable[] {
  kernel.links.refresh();
  const resolver = new Resolver(kernel);
  return [...underlays].flatMap(([destination, underlay]) => {
    const { hops, gateways } = resolver.resolve(underlay);
    // Where nobody has solicited the neighbour yet, nothing is known of it.
    if (hops.length > 0 || gateways.some(({ managed, fixed }) => !managed && !fixed)) return [];
    const silent = gateways.map(({ address, ifindex }) => `${address} dev ${kernel.links.nameOf(ifindex)}`);
    const reason =
      silent.length > 0
        ? `no answer from ${silent.join(', ')}`
        : 'no usable route (ip -6 route get says which there is)';
    return [{ destination, reason }];
  });
}

/**
 * Waits, for a bounded time, until each way whose route leads to a neighbour has an answer from it. What has no route is not waited for.
 *
 * @returns whether any way got one meanwhile
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
