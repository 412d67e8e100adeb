/** Routes: what the kernel reports (net/ipv4/fib_semantics.c fib_dump_info, net/ipv6/route.c rt6_fill_node). */
import { formatIPv4, formatIPv6 } from './inet/address.js';
import { familyFromNumber, RTM_DELROUTE, RTM_NEWROUTE } from './constants.js';
import { readEncap } from './encap.js';
import { AttributeReader, type MessageView } from './reader.js';
import * as attr from './route-attributes.js';
import type { AddressFamily, Encap, Route, RouteMetrics, RouteNexthop } from './types.js';

function readMetrics(reader: AttributeReader): RouteMetrics {
  const metrics: RouteMetrics = {};
  while (reader.next()) {
    const name = attr.METRIC_NAMES[reader.type];
    if (name !== undefined) metrics[name] = reader.u32();
  }
  return metrics;
}

/** RTA_VIA: a 16-bit address family, then the address. */
function readVia(reader: AttributeReader): string | undefined {
  return familyFromNumber(reader.u16()) === undefined ? undefined : reader.address(2);
}

/** The common part of a route and a leg of a multipath route. */
interface Leg {
  oif?: number;
  gateway?: string;
  encap?: Encap;
}

/** RTA_ENCAP comes before RTA_ENCAP_TYPE, so the tunnel is read once both were seen. */
class EncapPair {
  #reader: AttributeReader | undefined;
  #type = 0;

  see(reader: AttributeReader): void {
    if (reader.type === attr.RTA_ENCAP) this.#reader = reader.nested();
    else this.#type = reader.u16();
  }

  value(): Encap | undefined {
    return this.#reader && readEncap(this.#reader, this.#type);
  }
}

function readMultipath(buffer: Buffer, start: number, end: number): RouteNexthop[] {
  const legs: RouteNexthop[] = [];
  let at = start;
  while (at + 8 <= end) {
    const size = buffer.readUInt16LE(at);
    if (size < 8 || at + size > end) break;
    const leg: RouteNexthop = { weight: (buffer[at + 3] ?? 0) + 1, flags: buffer[at + 2] ?? 0 };
    const oif = buffer.readUInt32LE(at + 4);
    if (oif !== 0) leg.oif = oif;
    const reader = new AttributeReader(buffer, at + 8, at + size);
    let pair: EncapPair | undefined;
    while (reader.next()) {
      if (reader.type === attr.RTA_ENCAP || reader.type === attr.RTA_ENCAP_TYPE) (pair ??= new EncapPair()).see(reader);
      else readLegAttribute(leg, reader);
    }
    const encap = pair?.value();
    if (encap) leg.encap = encap;
    legs.push(leg);
    at += (size + 3) & ~3;
  }
  return legs;
}

function readLegAttribute(leg: Leg, reader: AttributeReader): void {
  if (reader.type === attr.RTA_GATEWAY) {
    leg.gateway = reader.address();
  } else if (reader.type === attr.RTA_VIA) {
    const gateway = readVia(reader);
    if (gateway !== undefined) leg.gateway = gateway;
  }
}

function addressText(reader: AttributeReader, buffer: Buffer, family: AddressFamily): string {
  return family === 4 ? formatIPv4(buffer, reader.at) : formatIPv6(buffer, reader.at);
}

/**
 * Decodes RTM_NEWROUTE and RTM_DELROUTE.
 * @returns undefined for any other message and for families other than IPv4 and IPv6 (multicast routing included)
 */
export function decodeRoute(message: MessageView): Route | undefined {
  if (message.type !== RTM_NEWROUTE && message.type !== RTM_DELROUTE) return undefined;
  const family = familyFromNumber(message.u8(0));
  if (family === undefined) return undefined;
  const length = message.u8(1);
  const sourceLength = message.u8(2);
  const tos = message.u8(3);
  const route: Route = {
    family,
    table: message.u8(4),
    prefix: '',
    type: attr.ROUTE_TYPES[message.u8(7)] ?? 'unspec',
    protocol: message.u8(5),
    scope: message.u8(6),
    metric: 0,
  };
  if (tos !== 0) route.tos = tos;
  const flags = message.u32(8);
  if (flags !== 0) route.flags = flags;
  let destination: string | undefined;
  let pair: EncapPair | undefined;
  const reader = message.attributes(attr.RTMSG_BYTES);
  while (reader.next()) {
    switch (reader.type) {
      case attr.RTA_DST:
        destination = addressText(reader, message.buffer, family);
        break;
      case attr.RTA_TABLE:
        route.table = reader.u32();
        break;
      case attr.RTA_PRIORITY:
        route.metric = reader.u32();
        break;
      case attr.RTA_OIF:
        route.oif = reader.u32();
        break;
      case attr.RTA_NH_ID:
        route.nexthopId = reader.u32();
        break;
      case attr.RTA_GATEWAY:
      case attr.RTA_VIA:
        readLegAttribute(route, reader);
        break;
      case attr.RTA_ENCAP:
      case attr.RTA_ENCAP_TYPE:
        (pair ??= new EncapPair()).see(reader);
        break;
      case attr.RTA_PREFSRC:
        route.prefSrc = addressText(reader, message.buffer, family);
        break;
      case attr.RTA_SRC:
        route.from = `${addressText(reader, message.buffer, family)}/${sourceLength}`;
        break;
      case attr.RTA_IIF:
        route.iif = reader.u32();
        break;
      case attr.RTA_METRICS: {
        const metrics = readMetrics(reader.nested());
        if (Object.keys(metrics).length > 0) route.metrics = metrics;
        break;
      }
      case attr.RTA_MULTIPATH:
        route.nexthops = readMultipath(message.buffer, reader.at, reader.at + reader.length);
        break;
    }
  }
  route.prefix = `${destination ?? (family === 4 ? '0.0.0.0' : '::')}/${length}`;
  const encap = pair?.value();
  if (encap) route.encap = encap;
  return route;
}
