/**
 * Routes: requests. Encoding is on the path of 100,000 routes: a request is one object, attributes go straight to the
 * socket's buffer.
 */
import { familyOf, writeAddress } from './inet/address.js';
import {
  APPEND,
  CREATE,
  DUMP,
  familyNumber,
  NLM_F_REQUEST,
  REPLACE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTNH_F_ONLINK,
  RTPROT_BOOT,
} from './constants.js';
import { describeEncap, writeEncap } from './encap.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import * as attr from './route-attributes.js';
import type { AddressFamily, RouteKey, RouteMetrics, RouteNexthop, RouteSpec } from './types.js';
import type { MessageWriter } from './writer.js';

/** The kernel refuses its own findings (dead, linkdown) in a request, and reports them in the same word. */
const SETTABLE_FLAGS = RTNH_F_ONLINK;

/** As ip chooses it (iproute2, ip/iproute.c, iproute_modify). */
function defaultScope(route: RouteSpec, family: AddressFamily): number {
  if (family === 6) return RT_SCOPE_UNIVERSE;
  switch (route.type ?? 'unicast') {
    case 'local':
    case 'nat':
      return RT_SCOPE_HOST;
    case 'broadcast':
    case 'multicast':
    case 'anycast':
      return RT_SCOPE_LINK;
    case 'unicast':
    case 'unspec':
      return route.gateway === undefined && route.nexthopId === undefined && route.nexthops === undefined
        ? RT_SCOPE_LINK
        : RT_SCOPE_UNIVERSE;
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
    case 'throw':
    case 'xresolve':
      return RT_SCOPE_UNIVERSE;
  }
}

function writeGateway(writer: MessageWriter, family: AddressFamily, gateway: string): void {
  const gatewayFamily = familyOf(gateway);
  if (gatewayFamily === family) {
    writer.address(attr.RTA_GATEWAY, gateway);
    return;
  }
  // struct rtvia: a 16-bit family, then the address right behind it, which no word-aligned writer can do.
  const via = Buffer.alloc(2 + (gatewayFamily === 4 ? 4 : 16));
  via.writeUInt16LE(familyNumber(gatewayFamily), 0);
  writeAddress(gateway, via, 2);
  writer.bytes(attr.RTA_VIA, via);
}

function writeMetrics(writer: MessageWriter, metrics: RouteMetrics): void {
  const nest = writer.nest(attr.RTA_METRICS);
  for (let i = 2; i < attr.METRIC_NAMES.length; i++) {
    const name = attr.METRIC_NAMES[i];
    const value = name && metrics[name];
    if (value !== undefined) writer.u32(i, value);
  }
  if (metrics.lock !== undefined) writer.u32(attr.RTAX_LOCK, metrics.lock);
  writer.endNest(nest);
}

type NexthopLeg = Omit<RouteNexthop, 'flags'> & { flags?: number };

/** struct rtnexthop for each leg: length, flags, hops (weight − 1), ifindex, then its attributes. */
function writeMultipath(writer: MessageWriter, family: AddressFamily, legs: readonly NexthopLeg[]): void {
  const multipath = writer.nest(attr.RTA_MULTIPATH);
  for (const leg of legs) {
    const start = writer.nest(0);
    writer.setByte(start + 2, (leg.flags ?? 0) & SETTABLE_FLAGS);
    writer.setByte(start + 3, leg.weight - 1);
    writer.word(leg.oif ?? 0);
    if (leg.gateway !== undefined) writeGateway(writer, family, leg.gateway);
    if (leg.encap !== undefined) writeEncap(writer, leg.encap, attr.RTA_ENCAP, attr.RTA_ENCAP_TYPE);
    writer.endNest(start);
  }
  writer.endNest(multipath);
}

/** struct rtmsg, then RTA_DST and RTA_TABLE. */
function writeHead(
  writer: MessageWriter,
  family: AddressFamily,
  route: RouteKey,
  type: number,
  protocol: number,
  scope: number,
  flags: number,
): void {
  const head = writer.length;
  const table = route.table;
  if (!(table > 0)) throw new RangeError(`table ${String(table)}: expected a number from 1 up (main: RT_TABLE_MAIN)`);
  writer.bytes4(familyNumber(family), 0, 0, route.tos ?? 0);
  writer.bytes4(table < 256 ? table : 0, protocol, scope, type);
  writer.word(flags);
  // A default route has no destination at all, as ip has it.
  if (route.prefix !== '0.0.0.0/0' && route.prefix !== '::/0') {
    writer.setByte(head + 1, writer.prefix(attr.RTA_DST, route.prefix));
  }
  if (table >= 256) writer.u32(attr.RTA_TABLE, table);
}

function encodeNew(writer: MessageWriter, flags: number, route: RouteSpec): void {
  const family = familyOf(route.prefix);
  writer.begin(RTM_NEWROUTE, flags);
  const type = attr.ROUTE_TYPES.indexOf(route.type ?? 'unicast');
  const scope = route.scope ?? defaultScope(route, family);
  writeHead(writer, family, route, type, route.protocol ?? RTPROT_BOOT, scope, (route.flags ?? 0) & SETTABLE_FLAGS);
  if (route.nexthopId !== undefined) {
    // The object has the device, gateway and tunnel; the kernel refuses them beside it.
    writer.u32(attr.RTA_NH_ID, route.nexthopId);
  } else if (route.nexthops !== undefined) {
    writeMultipath(writer, family, route.nexthops);
  } else {
    if (route.gateway !== undefined) writeGateway(writer, family, route.gateway);
    if (route.encap !== undefined) writeEncap(writer, route.encap, attr.RTA_ENCAP, attr.RTA_ENCAP_TYPE);
    if (route.oif !== undefined) writer.u32(attr.RTA_OIF, route.oif);
  }
  if (route.metric !== undefined) writer.u32(attr.RTA_PRIORITY, route.metric);
  if (route.prefSrc !== undefined) writer.addressOf(attr.RTA_PREFSRC, family, route.prefSrc);
  if (route.metrics !== undefined) writeMetrics(writer, route.metrics);
  writer.end();
}

function encodeDelete(writer: MessageWriter, route: RouteKey): void {
  const family = familyOf(route.prefix);
  writer.begin(RTM_DELROUTE, NLM_F_REQUEST);
  // RT_SCOPE_NOWHERE, type and protocol 0 match any (net/ipv4/fib_trie.c, fib_table_delete).
  const type = route.type === undefined ? 0 : attr.ROUTE_TYPES.indexOf(route.type);
  const scope = route.scope ?? (family === 4 ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE);
  writeHead(writer, family, route, type, route.protocol ?? 0, scope, 0);
  if (route.nexthopId !== undefined) {
    writer.u32(attr.RTA_NH_ID, route.nexthopId);
  } else {
    if (route.gateway !== undefined) writeGateway(writer, family, route.gateway);
    if (route.oif !== undefined) writer.u32(attr.RTA_OIF, route.oif);
  }
  if (route.metric !== undefined) writer.u32(attr.RTA_PRIORITY, route.metric);
  writer.end();
}

/** "unreachable 0.0.0.0/0 table 100 metric 4278198272", "10.0.0.10/32 nhid 7 table 100". */
export function describeRoute(route: RouteSpec | RouteKey): string {
  const words: string[] = [];
  if (route.type !== undefined && route.type !== 'unicast') words.push(route.type);
  words.push(route.prefix);
  if (route.nexthopId !== undefined) words.push(`nhid ${route.nexthopId}`);
  if ('encap' in route && route.encap !== undefined) words.push(describeEncap(route.encap));
  if (route.gateway !== undefined && route.nexthopId === undefined) words.push(`via ${route.gateway}`);
  if (route.oif !== undefined && route.nexthopId === undefined) words.push(`ifindex ${route.oif}`);
  words.push(`table ${route.table}`);
  if (route.metric !== undefined) words.push(`metric ${route.metric}`);
  return words.join(' ');
}

class NewRouteRequest implements NetlinkRequest {
  readonly #verb: string;
  readonly #flags: number;
  readonly #route: RouteSpec;

  constructor(verb: string, flags: number, route: RouteSpec) {
    this.#verb = verb;
    this.#flags = flags;
    this.#route = route;
  }

  encode(writer: MessageWriter): void {
    encodeNew(writer, this.#flags, this.#route);
  }

  describe(): string {
    return `${this.#verb} route ${describeRoute(this.#route)}`;
  }
}

class DeleteRouteRequest implements NetlinkRequest {
  readonly #route: RouteKey;

  constructor(route: RouteKey) {
    this.#route = route;
  }

  encode(writer: MessageWriter): void {
    encodeDelete(writer, this.#route);
  }

  describe(): string {
    return `delete route ${describeRoute(this.#route)}`;
  }
}

/** Adds a route; EEXIST when the table has one of the same prefix, tos and metric. */
export function createRoute(route: RouteSpec): NetlinkRequest {
  return new NewRouteRequest('create', CREATE, route);
}

/** Adds a route, or replaces the one of the same prefix, tos and metric. */
export function replaceRoute(route: RouteSpec): NetlinkRequest {
  return new NewRouteRequest('replace', REPLACE, route);
}

/** Adds a route beside others of the same prefix. */
export function appendRoute(route: RouteSpec): NetlinkRequest {
  return new NewRouteRequest('append', APPEND, route);
}

/** Deletes the first route that matches all fields of the key; ESRCH when there is none. */
export function deleteRoute(route: RouteKey): NetlinkRequest {
  return new DeleteRouteRequest(route);
}

export { decodeRoute } from './route-decode.js';

/** What the kernel may narrow a dump by; NETLINK_GET_STRICT_CHK must be on (NetlinkSocket has it on). */
export interface RouteFilter {
  family?: AddressFamily;
  table?: number;
  protocol?: number;
  type?: RouteSpec['type'];
  oif?: number;
}

/** All routes, or those the filter lets through. */
export function dumpRoutesRequest(filter: RouteFilter): NetlinkRequest {
  return makeRequest(
    () => `list routes${filter.table === undefined ? '' : ` of table ${filter.table}`}`,
    (writer) => {
      const type = filter.type === undefined ? 0 : attr.ROUTE_TYPES.indexOf(filter.type);
      writer.begin(RTM_GETROUTE, DUMP);
      writer.bytes4(familyNumber(filter.family), 0, 0, 0);
      writer.bytes4(0, filter.protocol ?? 0, 0, type);
      writer.word(0);
      if (filter.table !== undefined) writer.u32(attr.RTA_TABLE, filter.table);
      if (filter.oif !== undefined) writer.u32(attr.RTA_OIF, filter.oif);
      writer.end();
    },
    // "FIB table does not exist": a table is there from its first route to its last.
    ['ENOENT'],
  );
}

/** A question to the kernel's own lookup, as `ip route get` asks it. */
export interface RouteLookup {
  to: string;
  from?: string;
  /** ifindex: look up as for a packet that came in here */
  iif?: number;
  /** ifindex: as for a socket bound to this device; a VRF's index asks in the VRF */
  oif?: number;
  mark?: number;
  tos?: number;
  uid?: number;
  /** IPPROTO_* with ports */
  ipProtocol?: number;
  sourcePort?: number;
  destinationPort?: number;
  /** answer with the table's route itself rather than with what it resolves to */
  fibMatch?: boolean;
}

/** Which route would this packet take? EHOSTUNREACH, EACCES, EINVAL answer for unreachable, prohibit and blackhole. */
export function lookupRoute(lookup: RouteLookup): NetlinkRequest {
  return makeRequest(
    () => `get route to ${lookup.to}${lookup.from === undefined ? '' : ` from ${lookup.from}`}`,
    (writer) => {
      const family = familyOf(lookup.to);
      const bits = family === 4 ? 32 : 128;
      writer.begin(RTM_GETROUTE, NLM_F_REQUEST);
      writer.bytes4(familyNumber(family), bits, lookup.from === undefined ? 0 : bits, lookup.tos ?? 0);
      writer.word(0);
      // IPv6 always says the table, and refuses to be asked for it.
      const lookupTable = family === 4 ? attr.RTM_F_LOOKUP_TABLE : 0;
      writer.word(lookupTable | (lookup.fibMatch ? attr.RTM_F_FIB_MATCH : 0));
      writer.address(attr.RTA_DST, lookup.to);
      if (lookup.from !== undefined) writer.addressOf(attr.RTA_SRC, family, lookup.from);
      if (lookup.iif !== undefined) writer.u32(attr.RTA_IIF, lookup.iif);
      if (lookup.oif !== undefined) writer.u32(attr.RTA_OIF, lookup.oif);
      if (lookup.mark !== undefined) writer.u32(attr.RTA_MARK, lookup.mark);
      if (lookup.uid !== undefined) writer.u32(attr.RTA_UID, lookup.uid);
      if (lookup.ipProtocol !== undefined) writer.u8(attr.RTA_IP_PROTO, lookup.ipProtocol);
      if (lookup.sourcePort !== undefined) writer.u16(attr.RTA_SPORT, swap16(lookup.sourcePort));
      if (lookup.destinationPort !== undefined) writer.u16(attr.RTA_DPORT, swap16(lookup.destinationPort));
      writer.end();
    },
  );
}

/** Host to network order. */
function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
