/** Facts for a new node file: routes to the other nodes, and the kernel's features. */
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
  /** In bytes. */
  mtu: number;
  /** Names of the nodes whose locators it leads to; empty if the user named it. */
  nodes: string[];
}

export interface Underlay {
  uplinks: FoundUplink[];
  /** Whether only the default route was found. */
  byDefaultRoute: boolean;
}

/** What each data plane lacks on this machine, as texts; empty: nothing. */
export type Lacks = Readonly<Record<Dataplane, readonly string[]>>;

/**
 * Finds the interfaces of the kernel's routes to the other nodes' locators: of specific routes if there are any, else of the default route.
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
  // The kernel lists the next hop that the lookup's hash chose first, which may differ after each boot.
  uplinks.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { uplinks, byDefaultRoute };
}

/** Interfaces that the user named. @returns also the names that do not exist */
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

/** @param pinDirectory directory in which the node's eBPF objects are to be pinned */
export async function findLacks(pinDirectory: string): Promise<Lacks> {
  const { hasNft } = await checkTools();
  const nft = hasNft ? [] : ['nft is not installed'];
  const failed = async (alone: boolean): Promise<string[]> =>
    (await probeKernel(alone, hasNft)).filter(({ status }) => status === 'fail').map(({ what }) => what);
  const kernel = await failed(false);
  // A fast path that forwards alone requires less of the kernel.
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
