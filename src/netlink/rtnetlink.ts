/**
 * rtnetlink as one would ask `ip`: links, addresses, routes, next hops, neighbours and rules of a network namespace, devices by name. What
 * repeats a hundred thousand times goes past it: requests (createRoute …) and executeAll().
 */
import { createAddress, decodeAddress, deleteAddress, dumpAddressesRequest, replaceAddress } from './address.js';
import { RouteGroup, RT_TABLE_MAIN } from './constants.js';
import { isNetlinkError, NetlinkError } from './error.js';
import { decodeEvent } from './events.js';
import { decodeLink, deleteLink, dumpLinksRequest, getLink, type LinkReference, newLink, setLink } from './link.js';
import { NetlinkMonitor } from './monitor.js';
import {
  createNeighbour,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighboursRequest,
  replaceNeighbour,
} from './neighbour.js';
import {
  createNexthop,
  decodeNexthop,
  deleteNexthop,
  dumpNexthopsRequest,
  getNexthopRequest,
  replaceNexthop,
} from './nexthop.js';
import type { NetlinkRequest } from './request.js';
import {
  appendRoute,
  createRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutesRequest,
  lookupRoute,
  replaceRoute,
} from './route.js';
import { createRule, decodeRule, deleteRule, dumpRulesRequest } from './rule.js';
import * as shapes from './shapes.js';
import { NetlinkSocket } from './socket.js';
import { checkShape, familyOfFirst, readPrefix } from './spec.js';
import type {
  AddressFamily,
  InterfaceAddress,
  Link,
  Neighbour,
  NetlinkEvent,
  Nexthop,
  NexthopSpec,
  Route,
  RouteKey,
  RouteSpec,
  Rule,
  RuleSpec,
} from './types.js';

export interface RtnetlinkMonitorOptions {
  /** which changes; absent: all that have a type here */
  groups?: readonly (keyof typeof RouteGroup)[];
  /** in the kernel's order, at least one */
  onEvents: (events: NetlinkEvent[]) => void;
  /** notifications were lost: list everything again */
  onOverflow: () => void;
  /** a callback threw, or reading failed; default: thrown as an uncaught exception */
  onError?: (error: unknown) => void;
}

const TYPED_GROUPS: readonly (keyof typeof RouteGroup)[] = [
  'link',
  'neighbour',
  'ipv4Address',
  'ipv4Route',
  'ipv4Rule',
  'ipv6Address',
  'ipv6Route',
  'ipv6Rule',
  'nexthop',
];

/** One socket and what a namespace has, by kind. Every call is synchronous; nothing waits for anything but the kernel. */
export class Rtnetlink {
  readonly socket: NetlinkSocket;
  readonly links: Links;
  readonly addresses: Addresses;
  readonly routes: Routes;
  readonly nexthops: Nexthops;
  readonly neighbours: Neighbours;
  readonly rules: Rules;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
    this.links = new Links(socket);
    this.addresses = new Addresses(socket);
    this.routes = new Routes(socket);
    this.nexthops = new Nexthops(socket);
    this.neighbours = new Neighbours(socket);
    this.rules = new Rules(socket);
  }

  /** @throws NetnsError when the namespace is absent, SystemCallError when the socket cannot be made */
  static open(options: shapes.RtnetlinkOptions = {}): Rtnetlink {
    checkShape('open rtnetlink', options, shapes.OPEN);
    return new Rtnetlink(NetlinkSocket.open({ protocol: 'route', netns: options.netns }));
  }

  /** Changes as they happen, by a socket of its own: open it first, then list. */
  monitor({ groups = TYPED_GROUPS, ...callbacks }: RtnetlinkMonitorOptions): NetlinkMonitor<NetlinkEvent> {
    const numbers = groups.map((group) => RouteGroup[group]);
    const { netns } = this.socket;
    return NetlinkMonitor.open({ protocol: 'route', netns, groups: numbers, decode: decodeEvent, ...callbacks });
  }

  /** Idempotent. */
  close(): void {
    this.socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The common part of the collections: a socket, and devices by name. */
class Collection {
  protected readonly socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  /** The ifindex of a device, by name or as it is; undefined of undefined. @throws NetlinkError NETLINK_ENODEV */
  protected indexOf(operation: string, device: LinkReference | undefined): number | undefined {
    if (device === undefined || typeof device === 'number') return device;
    const link = getLink(this.socket, device);
    if (link !== undefined) return link.index;
    throw new NetlinkError({ operation: `${operation}: device ${device}`, errno: ENODEV });
  }
}

const ENODEV = 19;

/** Without the keys whose value is undefined. */
function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
}

/** Devices (ip link). */
export class Links extends Collection {
  list(filter: shapes.LinkFilterInput = {}): Link[] {
    checkShape('list links', filter, shapes.LINK_FILTER);
    const master = this.indexOf('list links', filter.master);
    return this.socket.dump(dumpLinksRequest(given({ ...filter, master })), decodeLink);
  }

  /** By name, alternative name or ifindex; undefined when there is none. */
  get(link: LinkReference): Link | undefined {
    return getLink(this.socket, link);
  }

  /** @returns the device made @throws NetlinkError NETLINK_EEXIST when the name is taken */
  create(link: shapes.LinkInput): Link {
    const operation = `create link ${link.name}`;
    checkShape(operation, link, shapes.LINK);
    const master = this.indexOf(operation, link.master);
    this.socket.request(newLink(given({ ...link, master })));
    const made = this.get(link.name);
    if (made !== undefined) return made;
    throw new NetlinkError({ operation, errno: ENODEV, kernelMessage: 'it was deleted meanwhile' });
  }

  set(link: LinkReference, change: shapes.LinkChangeInput): void {
    const operation = `set link ${link}`;
    checkShape(operation, change, shapes.LINK_CHANGE);
    const master = this.indexOf(operation, change.master);
    // By name, the name attribute says which device is meant: a rename goes by ifindex.
    const reference = change.name === undefined ? link : (this.indexOf(operation, link) ?? link);
    this.socket.request(setLink(reference, given({ ...change, master })));
  }

  /** A veth with its peer. @returns false when there was none */
  delete(link: LinkReference): boolean {
    return removed(this.socket, deleteLink(link), 'ENODEV');
  }
}

/** Addresses of devices (ip address). */
export class Addresses extends Collection {
  list(filter: shapes.AddressFilterInput = {}): InterfaceAddress[] {
    checkShape('list addresses', filter, shapes.ADDRESS_FILTER);
    const ifindex = this.indexOf('list addresses', filter.dev);
    return this.socket.dump(dumpAddressesRequest(given({ family: filter.family, ifindex })), decodeAddress);
  }

  create(address: shapes.AddressInput): void {
    this.socket.request(createAddress(this.#spec('create address', address)));
  }

  /** Adds it, or changes lifetimes and metric of the one that is there. */
  replace(address: shapes.AddressInput): void {
    this.socket.request(replaceAddress(this.#spec('replace address', address)));
  }

  /** @returns false when the device did not have it */
  delete(address: shapes.AddressInput): boolean {
    return removed(this.socket, deleteAddress(this.#spec('delete address', address)), 'EADDRNOTAVAIL');
  }

  #spec(operation: string, input: shapes.AddressInput): Parameters<typeof createAddress>[0] {
    checkShape(operation, input, shapes.ADDRESS);
    const { dev, ...rest } = input;
    return given({ ...rest, ifindex: this.indexOf(operation, dev) ?? 0 });
  }
}

/** Routes (ip route). The table is main where none is named. */
export class Routes extends Collection {
  /** The routes of all tables, or those that match the filter. */
  list(filter: shapes.RouteFilterInput = {}): Route[] {
    checkShape('list routes', filter, shapes.ROUTE_FILTER);
    const { dev, ...rest } = filter;
    const oif = this.indexOf('list routes', dev);
    return this.socket.dump(dumpRoutesRequest(given({ ...rest, oif })), decodeRoute);
  }

  /** Which route a packet would take (ip route get); undefined when none: unreachable. */
  get(to: string, lookup: Omit<Parameters<typeof lookupRoute>[0], 'to'> = {}): Route | undefined {
    try {
      return this.socket.get(lookupRoute({ ...lookup, to }), decodeRoute);
    } catch (error) {
      if (isNetlinkError(error, 'ENETUNREACH', 'EHOSTUNREACH')) return undefined;
      throw error;
    }
  }

  /** @throws NetlinkError NETLINK_EEXIST when the table has one of the same prefix, tos and metric */
  create(route: shapes.RouteInput): void {
    this.socket.request(createRoute(this.#spec('create route', route)));
  }

  replace(route: shapes.RouteInput): void {
    this.socket.request(replaceRoute(this.#spec('replace route', route)));
  }

  /** Adds a route beside others of the same prefix. */
  append(route: shapes.RouteInput): void {
    this.socket.request(appendRoute(this.#spec('append route', route)));
  }

  /** Deletes the first route that matches every given field. @returns false when there is none */
  delete(route: shapes.RouteInput): boolean {
    const { table, prefix, type, protocol, scope, metric, tos, oif, gateway, nexthopId } = this.#spec(
      'delete route',
      route,
    );
    const key = given({ table, prefix, type, protocol, scope, metric, tos, oif, gateway, nexthopId }) as RouteKey;
    return removed(this.socket, deleteRoute(key), 'ESRCH', 'ENOENT');
  }

  #spec(operation: string, input: shapes.RouteInput): RouteSpec {
    checkShape(operation, input, shapes.ROUTE);
    const { dev, family, table = RT_TABLE_MAIN, prefix, ...rest } = input;
    const oif = this.indexOf(operation, dev);
    const hinted = family ?? familyOfFirst(input.gateway, input.nexthops?.[0]?.gateway, input.prefSrc);
    return given({ ...rest, table, prefix: readPrefix(prefix, hinted), oif });
  }
}

/** Next-hop objects (ip nexthop). */
export class Nexthops extends Collection {
  list(filter: Parameters<typeof dumpNexthopsRequest>[0] = {}): Nexthop[] {
    return this.socket.dump(dumpNexthopsRequest(filter), decodeNexthop);
  }

  get(id: number): Nexthop | undefined {
    try {
      return this.socket.get(getNexthopRequest(id), decodeNexthop);
    } catch (error) {
      if (isNetlinkError(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  create(nexthop: shapes.NexthopInput): void {
    this.socket.request(createNexthop(this.#spec('create nexthop', nexthop)));
  }

  /** Routes that name it follow at once. */
  replace(nexthop: shapes.NexthopInput): void {
    this.socket.request(replaceNexthop(this.#spec('replace nexthop', nexthop)));
  }

  /** Also deletes every route that uses it. @returns false when there was none */
  delete(id: number): boolean {
    return removed(this.socket, deleteNexthop(id), 'ENOENT');
  }

  #spec(operation: string, input: shapes.NexthopInput): NexthopSpec {
    checkShape(operation, input, shapes.NEXTHOP);
    const { dev, ...rest } = input;
    return given({ ...rest, oif: this.indexOf(operation, dev) });
  }
}

/** Neighbour and proxy entries (ip neighbour). */
export class Neighbours extends Collection {
  list(filter: shapes.NeighbourFilterInput = {}): Neighbour[] {
    checkShape('list neighbours', filter, shapes.NEIGHBOUR_FILTER);
    const { dev, ...rest } = filter;
    const ifindex = this.indexOf('list neighbours', dev);
    return this.socket.dump(dumpNeighboursRequest(given({ ...rest, ifindex })), decodeNeighbour);
  }

  create(neighbour: shapes.NeighbourInput): void {
    this.socket.request(createNeighbour(this.#spec('create neighbour', neighbour)));
  }

  replace(neighbour: shapes.NeighbourInput): void {
    this.socket.request(replaceNeighbour(this.#spec('replace neighbour', neighbour)));
  }

  /** @returns false when there was none */
  delete(neighbour: shapes.NeighbourInput): boolean {
    return removed(this.socket, deleteNeighbour(this.#spec('delete neighbour', neighbour)), 'ENOENT');
  }

  #spec(operation: string, input: shapes.NeighbourInput): Parameters<typeof createNeighbour>[0] {
    checkShape(operation, input, shapes.NEIGHBOUR);
    const { dev, ...rest } = input;
    return given({ ...rest, ifindex: this.indexOf(operation, dev) ?? 0 });
  }
}

/** Routing policy rules (ip rule). The table is main where a rule looks one up and names none. */
export class Rules extends Collection {
  list(family?: AddressFamily): Rule[] {
    return this.socket.dump(dumpRulesRequest(family), decodeRule);
  }

  create(rule: shapes.RuleInput): void {
    this.socket.request(createRule(this.#spec('create rule', rule)));
  }

  /** Deletes the first route that matches every given field. @returns false when there is none */
  delete(rule: shapes.RuleInput): boolean {
    return removed(this.socket, deleteRule(this.#spec('delete rule', rule)), 'ENOENT');
  }

  #spec(operation: string, input: shapes.RuleInput): RuleSpec {
    checkShape(operation, input, shapes.RULE);
    const family = input.family ?? familyOfFirst(addressOf(input.from), addressOf(input.to)) ?? 4;
    const looksUp = (input.action ?? 'table') === 'table' && input.l3mdev !== true;
    const prefixes = {
      from: input.from === undefined ? undefined : readPrefix(input.from, family),
      to: input.to === undefined ? undefined : readPrefix(input.to, family),
    };
    return given({ ...input, ...prefixes, family, ...(looksUp ? { table: input.table ?? RT_TABLE_MAIN } : {}) });
  }
}

function addressOf(prefix: string | undefined): string | undefined {
  return prefix === undefined || prefix === 'default' ? undefined : prefix.replace(/\/.*/, '');
}

/** Carries out a removal. @returns false when the kernel says that there was nothing to remove */
function removed(socket: NetlinkSocket, request: NetlinkRequest, ...absent: string[]): boolean {
  try {
    socket.request(request);
    return true;
  } catch (error) {
    if (isNetlinkError(error, ...absent)) return false;
    throw error;
  }
}
