/** Decides which ports get packets directly into their peer's namespace (bpf_redirect_peer, bpf/ctx/skb.h). */
import { isLibbpfError, queryTcx } from 'libbpf-ts';
import { openPinnedLink } from './running.js';
import { decodeQdisc, dumpQdiscsRequest, type Link } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

/** Indexes of devices with a clsact qdisc, which may have egress filters. */
export function filteredDevices({ socket }: Kernel): Set<number> {
  const qdiscs = socket.dump(dumpQdiscsRequest(), decodeQdisc);
  return new Set(qdiscs.filter(({ kind }) => kind === 'clsact').map(({ ifindex }) => ifindex));
}

/** Queueing disciplines of a veth that has no queue, and of one that was never up. */
const NO_QUEUE: readonly (string | undefined)[] = ['noqueue', 'noop'];

/**
 * Whether packets may bypass a port's device on their way to its peer. The peer must be in another namespace (the kernel drops a redirect within
 * one), and the device must have no qdisc, egress filter or egress program of others.
 *
 * @param filtered result of filteredDevices()
 * @param filtered what filteredDevices() found
 */
export function canRedirectPeer({ netns, fastpath }: Kernel, link: Link, filtered: ReadonlySet<number>): boolean {
  const { kind, linkNetnsId, qdisc, index } = link;
  if (kind !== 'veth' || linkNetnsId === undefined || !NO_QUEUE.includes(qdisc) || filtered.has(index)) return false;
  try {
    const where = { interface: index, ...(netns !== undefined && { netns }) };
    const { programs } = queryTcx({ ...where, direction: 'egress' });
    if (programs.length === 0) return true;
    // Segue's own program closes a detached port, and is removed when the port is attached.
    using own = openPinnedLink(fastpath.linkPath('tcx-egress', index));
    const ownId = own?.info().id;
    return programs.every(({ linkId }) => linkId === ownId);
  } catch (error) {
    // The device was deleted after it was listed.
    if (isLibbpfError(error, 'ENODEV')) return false;
    throw error;
  }
}
