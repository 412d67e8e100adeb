/** Objects in the kernel that several `show` commands read. */
import { MAIN_TABLE } from '../../plan/numbers.js';
import {
  decodeNeighbour,
  decodeNexthop,
  decodeRoute,
  dumpNeighboursRequest,
  dumpNexthopsRequest,
  dumpRoutesRequest,
  type Link,
  type Neighbour,
  NeighbourState,
  type Nexthop,
  type Route,
  type Seg6LocalEncap,
} from 'netlink-ts';
import { NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT, PROTOCOL } from '../../plan/numbers.js';
import type { Kernel } from '../../kernel/kernel.js';

/** RTPROT_KERNEL: prefix routes, local and broadcast addresses, multicast. */
const RTPROT_KERNEL = 2;

/** Routes of a table, IPv4 then IPv6; without `all`, those that the kernel added itself are omitted. */
export function routesOf(kernel: Kernel, table: number, all = false): Route[] {
  return ([4, 6] as const).flatMap((family) =>
    kernel.socket
      .dump(dumpRoutesRequest({ family, table }), decodeRoute)
      .filter(({ protocol }) => all || protocol !== RTPROT_KERNEL),
  );
}

export type LocalSidRoute = Route & { encap: Seg6LocalEncap };

/** The local SIDs of the namespace, including those of other programs. */
export function localSids(kernel: Kernel): LocalSidRoute[] {
  return kernel.socket.dump(dumpRoutesRequest({ family: 6, table: MAIN_TABLE }), decodeRoute).filter(isLocalSid);
}

function isLocalSid(route: Route): route is LocalSidRoute {
  return route.encap?.type === 'seg6local';
}

/** Next-hop objects in segue's range of ids. */
export function ownNexthops(kernel: Kernel): Nexthop[] {
  return kernel.socket
    .dump(dumpNexthopsRequest({}), decodeNexthop)
    .filter(
      ({ id, protocol }) => id >= NEXTHOP_ID_BASE && id < NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT && protocol === PROTOCOL,
    );
}

/** Devices in a VRF, by name. */
export function membersOf(kernel: Kernel, vrfIndex: number): Link[] {
  return [...kernel.links.all()]
    .filter(({ master }) => master === vrfIndex)
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The permanent neighbours of the namespace by ifindex: the VM behind each port. */
export function pinnedNeighbours(kernel: Kernel): Map<number, Neighbour[]> {
  const found = new Map<number, Neighbour[]>();
  for (const entry of kernel.socket.dump(dumpNeighboursRequest({}), decodeNeighbour)) {
    if (entry.protocol !== PROTOCOL || (entry.state & NeighbourState.permanent) === 0) continue;
    const list = found.get(entry.ifindex);
    if (list === undefined) found.set(entry.ifindex, [entry]);
    else list.push(entry);
  }
  return found;
}
