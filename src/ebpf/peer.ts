/** Which ports' packets are put into the namespace of their other end at once (bpf_redirect_peer, bpf/ctx/skb.h). */
import { isLibbpfError, queryTcx } from 'libbpf-ts';
import { openPinnedLink } from './running.js';
import { decodeQdisc, dumpQdiscsRequest, type Link } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

/** Devices that have a qdisc with a place for filters of what leaves, by their numbers. */
export function filteredDevices({ socket }: Kernel): Set<number> {
  const qdiscs = socket.dump(dumpQdiscsRequest(), decodeQdisc);
  return new Set(qdiscs.filter(({ kind }) => kind === 'clsact').map(({ ifindex }) => ifindex));
}

/** Of a veth: nothing queues; and of one that was never up. */
const NO_QUEUE: readonly (string | undefined)[] = ['noqueue', 'noop'];

/**
 * Whether packets may pass by a port's device on their way to its other end: that is in another namespace (the kernel drops what is
 * redirected to one in the same), and nobody has put a queue, filters or a program where they would leave the device.
 *
 * @param filtered what filteredDevices() found
 */
export function canRedirectPeer({ netns, fastpath }: Kernel, link: Link, filtered: ReadonlySet<number>): boolean {
  const { kind, linkNetnsId, qdisc, index } = link;
  if (kind !== 'veth' || linkNetnsId === undefined || !NO_QUEUE.includes(qdisc) || filtered.has(index)) return false;
  try {
    const where = { interface: index, ...(netns !== undefined && { netns }) };
    const { programs } = queryTcx({ ...where, direction: 'egress' });
    if (programs.length === 0) return true;
    // What closes a port that is detached goes when it is none any more.
    using own = openPinnedLink(fastpath.linkPath('tcx-egress', index));
    const ownId = own?.info().id;
    return programs.every(({ linkId }) => linkId === ownId);
  } catch (error) {
    // It has gone since it was listed.
    if (isLibbpfError(error, 'ENODEV')) return false;
    throw error;
  }
}
