/** Resolves an underlay destination to its equal-cost next hops, as the kernel would use them now. */
import { Limits } from './generated/layouts.js';
import {
  decodeNeighbour,
  decodeNexthop,
  decodeRoute,
  getNeighbourRequest,
  getNexthopRequest,
  isNetlinkError,
  lookupRoute,
  NeighbourFlag,
  NeighbourState,
  type Nexthop,
  type Route,
  type RouteNexthop,
  takesFrames,
  xdpFeatures,
} from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { BpfUnderlay } from './objects.js';

const MAX_HOPS = Limits.MAX_NEXTHOPS;
/** Largest weight that an entry can hold. */
const MAX_WEIGHT = 256;

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

/** States that only an administrator ends. */
const FIXED = NeighbourState.permanent | NeighbourState.noarp;

/** A resolved next hop. */
export interface ResolvedHop {
  ifindex: number;
  /** Largest packet in bytes. */
  mtu: number;
  destMac: string;
  sourceMac: string;
  /** Share of the flows relative to the other next hops. */
  weight: number;
  /** Set for this node itself: packets arrive at the interface instead of leaving by it. */
  self?: true;
  /** Whether XDP can transmit frames on the interface. */
  frames: boolean;
}

/** The neighbour of a next hop. */
export interface UnderlayNeighbour {
  ifindex: number;
  address: string;
  /** Absent if no link-layer address is known. */
  mac?: string;
  /** Whether the kernel keeps it resolved. */
  managed: boolean;
  /** Whether its address was configured (permanent or noarp), so that there is nothing to resolve. */
  fixed: boolean;
}

export interface Resolution {
  hops: ResolvedHop[];
  gateways: UnderlayNeighbour[];
}

/** A next hop of a route. */
type Leg = Omit<RouteNexthop, 'gateway'> & { gateway?: string | undefined };

/** Queries the kernel. Answers are cached for the resolver's life: one listing or one application. */
export class Resolver {
  readonly #kernel: Kernel;
  readonly #gateways = new Map<string, UnderlayNeighbour>();
  /** XDP features of devices. */
  #features: Map<number, number> | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * The next hops of a destination's route in the kernel's order, at most MAX_HOPS. Next hops over interfaces that are down or not Ethernet, or
   * with an unresolved neighbour, are omitted.
   */
  resolve({ destination, source, self, mtu = Infinity }: BpfUnderlay): Resolution {
    if (self !== undefined) return { hops: this.#own(self), gateways: [] };
    const found: Resolution = { hops: [], gateways: [] };
    const route = this.#route(destination, source);
    if (route?.type !== 'unicast' || route.encap !== undefined) return found;
    for (const { oif, gateway = destination, flags, encap, weight } of this.#legs(route)) {
      if (oif === undefined || encap !== undefined || (flags & UNUSABLE) !== 0) continue;
      const { links } = this.#kernel;
      const link = links.get(links.nameOf(oif));
      if (link?.mac === undefined || !link.up || link.carrier === false || link.type !== ETHERNET) continue;
      const neighbour = this.gateway(oif, gateway);
      found.gateways.push(neighbour);
      if (neighbour.mac === undefined || found.hops.length === MAX_HOPS) continue;
      const largest = Math.min(link.mtu, mtu, route.metrics?.mtu ?? Infinity);
      const frames = this.#takesFrames(oif);
      found.hops.push({ ifindex: oif, mtu: largest, destMac: neighbour.mac, sourceMac: link.mac, weight, frames });
    }
    reduceWeights(found.hops);
    return found;
  }

  /** Next hops of a route. A next hop without a gateway leads to the destination itself. */
  #legs({ nexthops, nexthopId, oif, gateway, flags = 0 }: Route): Leg[] {
    if (nexthops !== undefined) return nexthops;
    if (oif !== undefined) return [{ oif, gateway, flags, weight: 1 }];
    // With net.ipv4.nexthop_compat_mode=0 the kernel reports only the id of a next-hop object.
    return nexthopId === undefined ? [] : this.#legsOfObject(nexthopId, 1);
  }

  #legsOfObject(id: number, weight: number): Leg[] {
    const object = this.#nexthop(id);
    if (object?.group === undefined) return object === undefined ? [] : [{ ...object, weight }];
    return object.group.flatMap((member) => this.#legsOfObject(member.id, member.weight));
  }

  #nexthop(id: number): Nexthop | undefined {
    try {
      return this.#kernel.socket.get(getNexthopRequest(id), decodeNexthop);
    } catch (error) {
      if (isNetlinkError(error)) return undefined;
      throw error;
    }
  }

  /** The first of these interfaces that is up, with its own MAC address as the destination. */
  #own(devices: readonly string[]): ResolvedHop[] {
    for (const name of devices) {
      const link = this.#kernel.links.get(name);
      if (link?.mac === undefined || !link.up || link.type !== ETHERNET) continue;
      const { index: ifindex, mac, mtu } = link;
      return [{ ifindex, mtu, destMac: mac, sourceMac: mac, weight: 1, frames: false, self: true }];
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
      // The route is unreachable, blackhole or prohibit, or the node does not have the outer source yet.
      if (isNetlinkError(error)) return undefined;
      throw error;
    }
  }

  /** A neighbour's state in the kernel. */
  gateway(ifindex: number, address: string): UnderlayNeighbour {
    const key = `${ifindex} ${address}`;
    let gateway = this.#gateways.get(key);
    if (gateway === undefined) this.#gateways.set(key, (gateway = this.#askGateway(ifindex, address)));
    return gateway;
  }

  #askGateway(ifindex: number, address: string): UnderlayNeighbour {
    try {
      const entry = this.#kernel.socket.get(getNeighbourRequest({ ifindex, address }), decodeNeighbour);
      const managed = entry !== undefined && (entry.flags & NeighbourFlag.managed) !== 0;
      const fixed = entry !== undefined && (entry.state & FIXED) !== 0;
      const valid = entry?.mac !== undefined && (entry.state & VALID) !== 0;
      if (valid) this.#kernel.fastpath.neighbourMacs.set(`${ifindex} ${address}`, entry.mac ?? '');
      return { ifindex, address, managed, fixed, ...(valid && { mac: entry.mac }) };
    } catch (error) {
      if (isNetlinkError(error)) return { ifindex, address, managed: false, fixed: false };
      throw error;
    }
  }
}

/** Reduces weights to the smallest ones of the same proportion; scales down those that exceed MAX_WEIGHT. */
function reduceWeights(hops: ResolvedHop[]): void {
  const largest = Math.max(...hops.map(({ weight }) => weight));
  for (const hop of hops) {
    if (largest > MAX_WEIGHT) hop.weight = Math.max(1, Math.round((hop.weight * MAX_WEIGHT) / largest));
  }
  const common = hops.reduce((divisor, { weight }) => greatestCommonDivisor(weight, divisor), 0);
  for (const hop of hops) hop.weight /= common;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
