import {
  decodeEvent,
  decodeFeatures,
  decodeNftablesEvent,
  decodeXdpFeatures,
  ETHTOOL_FAMILY,
  ETHTOOL_GROUP,
  NETDEV_FAMILY,
  NETDEV_GROUP,
  NetfilterGroup,
  type NetlinkEvent,
  NetlinkMonitor,
  type NftablesEvent,
  resolveFamily,
  RouteGroup,
} from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

const GROUPS: readonly number[] = [
  RouteGroup.link,
  RouteGroup.neighbour,
  RouteGroup.ipv4Address,
  RouteGroup.ipv6Address,
  RouteGroup.ipv4Route,
  RouteGroup.ipv6Route,
  RouteGroup.ipv4Rule,
  RouteGroup.ipv6Rule,
  RouteGroup.nexthop,
];

export interface WatchOptions {
  /** Changes that other processes made, in the kernel's order. */
  onEvents: (events: NetlinkEvent[]) => void;
  /** Tables of nf_tables changed; includes this process's own changes. */
  onNftables: (events: NftablesEvent[]) => void;
  /** Settings of a device changed for which the kernel sends a notification (forwarding, rp_filter, proxy_neigh). */
  onSettings: () => void;
  /** A device's XDP features changed, such as a veth whose peer starts or stops to accept redirected frames. */
  onXdpFeatures: () => void;
  /** Features of a device changed, such as its VLAN offload. */
  onDeviceFeatures: () => void;
  /** Notifications were lost. */
  onLost: () => void;
  onError: (error: unknown) => void;
}

/** The kernel's notifications, without those of this process's own requests. */
export class KernelWatcher {
  readonly #monitors: { close(): void }[] = [];

  constructor(kernel: Kernel, options: WatchOptions) {
    const { netns } = kernel;
    const own = kernel.socket.portId;
    const common = { netns, onOverflow: options.onLost, onError: options.onError };
    this.#monitors.push(
      NetlinkMonitor.open({
        ...common,
        protocol: 'route',
        groups: GROUPS,
        decode: (message) => (message.portId === own ? undefined : decodeEvent(message)),
        onEvents: options.onEvents,
      }),
      NetlinkMonitor.open({
        ...common,
        protocol: 'route',
        groups: [RouteGroup.ipv4Netconf, RouteGroup.ipv6Netconf],
        decode: () => true,
        onEvents: options.onSettings,
      }),
      NetlinkMonitor.open({
        ...common,
        protocol: 'netfilter',
        groups: [NetfilterGroup.nftables],
        decode: decodeNftablesEvent,
        onEvents: options.onNftables,
      }),
    );
    const groupOf = (family: string, name: string): number[] => {
      const group = resolveFamily(kernel.generic, family)?.groups[name];
      return group === undefined ? [] : [group];
    };
    for (const group of groupOf(NETDEV_FAMILY, NETDEV_GROUP)) {
      const onEvents = options.onXdpFeatures;
      this.#monitors.push(
        NetlinkMonitor.open({ ...common, protocol: 'generic', groups: [group], decode: decodeXdpFeatures, onEvents }),
      );
    }
    for (const group of groupOf(ETHTOOL_FAMILY, ETHTOOL_GROUP)) {
      const onEvents = options.onDeviceFeatures;
      this.#monitors.push(
        NetlinkMonitor.open({ ...common, protocol: 'generic', groups: [group], decode: decodeFeatures, onEvents }),
      );
    }
  }

  close(): void {
    for (const monitor of this.#monitors) monitor.close();
  }
}
