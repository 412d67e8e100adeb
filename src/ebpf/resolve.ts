/** The ways of equal cost to an underlay destination, as the kernel would take them now. */
import { takesFrames, xdpFeatures } from '../netlink/netdev.js';
import { decodeNeighbour, getNeighbourRequest } from '../netlink/neighbour.js';
import { decodeRoute, lookupRoute } from '../netlink/route.js';
import { isNetlinkError } from '../netlink/error.js';
import { NeighbourFlag, NeighbourState } from '../netlink/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Route } from '../netlink/types.js';
import type { BpfUnderlay } from './objects.js';

/** MAX_HOPS of bpf/layouts.h. */
export const MAX_HOPS = 4;

/** RTNH_F_DEAD, RTNH_F_LINKDOWN (linux/rtnetlink.h) */
const UNUSABLE = 1 | 16;
/** ARPHRD_ETHER (linux/if_arp.h) */
const ETHERNET = 1;
/** States with a link-layer address to send to: NUD_VALID (include/net/neighbour.h). */
const VALID =
  NeighbourState.permanent |
  NeighbourState.noarp |
  NeighbourState.reachable |
  NeighbourState.probe |
  NeighbourState.stale |
  NeighbourState.delay;

/** States that nothing but an administrator ends. */
const FIXED = NeighbourState.permanent | NeighbourState.noarp;

/** One way, resolved. */
export interface ResolvedHop {
  ifindex: number;
  /** Bytes of the largest packet. */
  mtu: number;
  destMac: string;
  sourceMac: string;
  /** It is this node: packets arrive by the interface instead of leaving. */
  self?: true;
  /** The interface takes frames from XDP. */
  frames: boolean;
}

/** The neighbour that a way leads over. */
export interface Gateway {
  ifindex: number;
  address: string;
  /** Absent: no link-layer address is known. */
  mac?: string;
  /** The kernel keeps it resolved. */
  managed: boolean;
  /** Somebody wrote its address down: there is nothing to resolve. */
  fixed: boolean;
}

export interface Resolution {
  hops: ResolvedHop[];
  gateways: Gateway[];
}

/** Asks the kernel; answers are kept for the resolver's life, which is one listing or one application. */
export class Resolver {
  readonly #kernel: Kernel;
  readonly #gateways = new Map<string, Gateway>();
  /** Of devices. */
  #features: Map<number, number> | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * The ways the route to a destination has, in the kernel's order; at most MAX_HOPS. Ways over interfaces that are down
   * or that are no Ethernet, and ways whose neighbour is not known, are none.
   */
  resolve({ destination, source, self, mtu = Infinity }: BpfUnderlay): Resolution {
    if (self !== undefined) return { hops: this.#own(self), gateways: [] };
    const found: Resolution = { hops: [], gateways: [] };
    const route = this.#route(destination, source);
    if (route?.type !== 'unicast' || route.encap !== undefined) return found;
    const legs = route.nexthops ?? [
      { oif: route.oif, gateway: route.gateway, flags: route.flags ?? 0, encap: undefined },
    ];
    for (const { oif, gateway, flags, encap } of legs) {
      if (oif === undefined || gateway === undefined || encap !== undefined || (flags & UNUSABLE) !== 0) continue;
      const { links } = this.#kernel;
      const link = links.get(links.nameOf(oif));
      if (link?.mac === undefined || !link.up || link.carrier === false || link.type !== ETHERNET) continue;
      const neighbour = this.gateway(oif, gateway);
      found.gateways.push(neighbour);
      if (neighbour.mac === undefined || found.hops.length === MAX_HOPS) continue;
      const largest = Math.min(link.mtu, mtu, route.metrics?.mtu ?? Infinity);
      const frames = this.#takesFrames(oif);
      found.hops.push({ ifindex: oif, mtu: largest, destMac: neighbour.mac, sourceMac: link.mac, frames });
    }
    return found;
  }

  /** By the first of these interfaces that is up: frames with its own address. */
  #own(devices: readonly string[]): ResolvedHop[] {
    for (const name of devices) {
      const link = this.#kernel.links.get(name);
      if (link?.mac === undefined || !link.up || link.type !== ETHERNET) continue;
      const { index: ifindex, mac, mtu } = link;
      return [{ ifindex, mtu, destMac: mac, sourceMac: mac, frames: false, self: true }];
    }
    return [];
  }

  #takesFrames(ifindex: number): boolean {
    this.#features ??= xdpFeatures(this.#kernel.generic);
    return takesFrames(this.#features, ifindex);
  }

  #route(to: string, from: string): Route | undefined {
    try {
      return this.#kernel.socket.get(lookupRoute({ to, from, fibMatch: true }), decodeRoute);
    } catch (error) {
      // Unreachable, blackhole, prohibit, or an outer source that is no address of the node yet.
      if (isNetlinkError(error)) return undefined;
      throw error;
    }
  }

  /** A neighbour as the kernel has it. */
  gateway(ifindex: number, address: string): Gateway {
    const key = `${ifindex} ${address}`;
    let gateway = this.#gateways.get(key);
    if (gateway === undefined) this.#gateways.set(key, (gateway = this.#askGateway(ifindex, address)));
    return gateway;
  }

  #askGateway(ifindex: number, address: string): Gateway {
    try {
      const entry = this.#kernel.socket.get(getNeighbourRequest({ ifindex, address }), decodeNeighbour);
      const managed = entry !== undefined && (entry.flags & NeighbourFlag.managed) !== 0;
      const fixed = entry !== undefined && (entry.state & FIXED) !== 0;
      const valid = entry?.mac !== undefined && (entry.state & VALID) !== 0;
      if (valid) this.#kernel.fastpath.gatewayMacs.set(`${ifindex} ${address}`, entry.mac ?? '');
      return { ifindex, address, managed, fixed, ...(valid && { mac: entry.mac }) };
    } catch (error) {
      if (isNetlinkError(error)) return { ifindex, address, managed: false, fixed: false };
      throw error;
    }
  }
}
