/** What a node file can be made from: the routes to the other nodes, and what this kernel can do. */
import { checkTools } from '../observe/doctor/managers.js';
import { probeKernel } from '../observe/doctor/probes.js';
import { missingForFastpath } from '../ebpf/available.js';
import { Links } from '../kernel/links.js';
import { decodeRoute, isNetlinkError, lookupRoute, NetlinkSocket, type Route } from 'netlink-ts';
import { prefixAddress } from 'netlink-ts/inet';
import type { Dataplane, Intent } from '../intent/types.js';

/** An underlay interface. */
export interface FoundUplink {
  name: string;
  /** Bytes. */
  mtu: number;
  /** Names of the nodes whose locators are reached by it; empty: the user named it. */
  nodes: string[];
}

export interface Underlay {
  uplinks: FoundUplink[];
  /** The routes are the default route, which leads anywhere. */
  byDefaultRoute: boolean;
}

/** What a data plane lacks here, in words; an empty list: nothing. */
export type Lacks = Readonly<Record<Dataplane, readonly string[]>>;

/**
 * The interfaces by which the kernel's routes reach the other nodes' locators: by routes of their own where there is one, else by the default
 * route.
 */
export function findUplinks(intent: Intent, node: string, netns: string | undefined): Underlay {
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  const links = new Links(socket);
  links.refresh();
  const found = { own: new Map<string, FoundUplink>(), byDefault: new Map<string, FoundUplink>() };
  for (const { name, locator } of intent.nodes) {
    if (name === node) continue;
    const route = routeTo(socket, prefixAddress(locator));
    if (route?.type !== 'unicast') continue;
    const into = route.prefix === '::/0' ? found.byDefault : found.own;
    for (const { oif } of route.nexthops ?? [route]) {
      const link = oif === undefined ? undefined : links.get(links.nameOf(oif));
      if (link === undefined || link.name === 'lo') continue;
      const uplink = into.get(link.name) ?? { name: link.name, mtu: link.mtu, nodes: [] };
      into.set(link.name, uplink);
      if (!uplink.nodes.includes(name)) uplink.nodes.push(name);
    }
  }
  const byDefaultRoute = found.own.size === 0;
  const uplinks = [...(byDefaultRoute ? found.byDefault : found.own).values()];
  // The kernel names first the next hop that the lookup's hash chose, which is another one after each boot.
  uplinks.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { uplinks, byDefaultRoute };
}

/** Interfaces that the user named. @returns with the names that there are not */
export function namedUplinks(
  names: readonly string[],
  netns: string | undefined,
): { uplinks: FoundUplink[]; absent: string[] } {
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  const links = new Links(socket);
  links.refresh();
  const absent = names.filter((name) => links.get(name) === undefined);
  const uplinks = names.flatMap((name) => {
    const link = links.get(name);
    return link === undefined ? [] : [{ name, mtu: link.mtu, nodes: [] }];
  });
  return { uplinks, absent };
}

/** @param pinDirectory where the node's eBPF objects are to be pinned */
export async function findLacks(pinDirectory: string): Promise<Lacks> {
  const { hasNft } = await checkTools();
  const nft = hasNft ? [] : ['nft is not installed'];
  const failed = async (alone: boolean): Promise<string[]> =>
    (await probeKernel(alone, hasNft)).filter(({ status }) => status === 'fail').map(({ what }) => what);
  const kernel = await failed(false);
  // The fast path alone needs less of the kernel.
  const alone = kernel.length === 0 ? [] : await failed(true);
  const fastpath = missingForFastpath(pinDirectory);
  const ebpf = fastpath === undefined ? [] : [fastpath];
  return {
    kernel: [...nft, ...kernel],
    hybrid: [...nft, ...kernel, ...ebpf],
    ebpf: [...nft, ...alone, ...ebpf],
  };
}

function routeTo(socket: NetlinkSocket, to: string): Route | undefined {
  try {
    return socket.get(lookupRoute({ to, fibMatch: true }), decodeRoute);
  } catch (error) {
    if (isNetlinkError(error)) return undefined;
    throw error;
  }
}
