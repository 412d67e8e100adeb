import { column } from '../table.js';
import { encapEntries, ebpfOnlyMaps, routeEntries } from '../../observe/inspect/fastpath-entries.js';
import { ownNexthops, routesOf } from '../../observe/inspect/state.js';
import { protocolName } from '../../observe/inspect/format.js';
import { linkState } from '../../kernel/links.js';
import { ZoneNames } from '../../gateway/zone-names.js';
import { SteeringView } from '../../gateway/view.js';
import { prefixOverlaps } from 'netlink-ts/inet';
import { PROTOCOL } from '../../plan/numbers.js';
import { printList } from './stream.js';
import { deviceAskedFor, prefixAskedFor } from './view.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { Destination, RouteEntry } from '../../observe/inspect/fastpath-entries.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Output } from './output.js';
import type { ShowOptions } from './view.js';
import type { Nexthop, Route } from 'netlink-ts';

/** RTNH_F_DEAD and RTNH_F_LINKDOWN: the route is in the table, but not used. */
const DEAD = 1;
const LINKDOWN = 16;

/** Entries up to which the output is sorted; longer output is printed as it is read. */
const SORTED_ENTRIES = 16_384;
/** A number that no zone has. */
const NO_ZONE = 0;

/** One element of `segue show route -j`. */
export interface RouteRecord {
  tenant: string;
  /** null if the fast path forwards alone, like table and metric. */
  vrf: string | null;
  table: number | null;
  prefix: string;
  /** `unicast`, `unreachable`, `blackhole`, `local`… */
  type: string;
  /** Gateway of a prefix behind a port's VM; `gateway <name>`: the network nodes of a gateway. */
  via: string | null;
  /** If the fast path forwards alone: id of the encapsulation. */
  nexthopId: number | null;
  /** In travel order; the last segment is the SID that decapsulates. */
  segments: string[];
  /** Node whose locator contains the last segment; null without the intent. */
  node: string | null;
  device: string | null;
  protocol: string;
  metric: number | null;
  /** `unresolved`: the fast path has no underlay next hops to the first segment. */
  state: 'ok' | 'linkdown' | 'dead' | 'unresolved';
}

export const ROUTE_COLUMNS = [
  column<RouteRecord>('TENANT', ({ tenant }) => tenant),
  column<RouteRecord>('PREFIX', ({ prefix }) => prefix),
  column<RouteRecord>('TYPE', ({ type }) => type),
  column<RouteRecord>('VIA', ({ via, segments }) => (segments.length > 0 ? segments.join(',') : (via ?? undefined))),
  column<RouteRecord>('NODE', ({ node }) => node ?? undefined),
  column<RouteRecord>('DEV', ({ device }) => device ?? undefined),
  column<RouteRecord>('NHID', ({ nexthopId }) => nexthopId ?? undefined),
  column<RouteRecord>('PROTO', ({ protocol }) => protocol),
  column<RouteRecord>('METRIC', ({ metric }) => metric ?? undefined),
  column<RouteRecord>('STATE', ({ state }) => state),
];

export function* routeRecords(context: ShowContext, options: ShowOptions): Generator<RouteRecord, void, undefined> {
  const { kernel, names } = context;
  const { tenant, all } = options;
  const device = deviceAskedFor(context, options);
  const address = prefixAskedFor(options);
  const maps = ebpfOnlyMaps(context);
  const isWanted = (record: RouteRecord): boolean =>
    (device === undefined || record.device === device) &&
    (address === undefined || prefixOverlaps(record.prefix, address));
  if (maps !== undefined) {
    for (const record of recordsOfMaps(context, maps, tenant)) {
      if ((all === true || record.type !== 'local') && isWanted(record)) yield record;
    }
    return;
  }
  const nexthops = new Map(ownNexthops(kernel).map((nexthop) => [nexthop.id, nexthop]));
  for (const vrf of names.vrfs) {
    if (tenant !== undefined && vrf.tenant !== tenant) continue;
    for (const route of routesOf(kernel, vrf.table, all)) {
      const segments = segmentsOf(route, nexthops);
      const { oif, gateway, nexthopId, flags = 0 } = route;
      const record: RouteRecord = {
        tenant: vrf.tenant,
        vrf: vrf.name,
        table: vrf.table,
        prefix: route.prefix,
        type: route.type,
        via: gateway ?? null,
        nexthopId: nexthopId ?? null,
        segments,
        node: names.nodeOfSid(segments.at(-1)) ?? null,
        device: oif === undefined || route.type === 'unreachable' ? null : kernel.links.nameOf(oif),
        protocol: protocolName(route.protocol),
        metric: route.metric,
        state: (flags & DEAD) !== 0 ? 'dead' : (flags & LINKDOWN) !== 0 ? 'linkdown' : 'ok',
      };
      if (isWanted(record)) yield record;
    }
  }
}

/** The routes of a fast path that forwards alone: sorted if they are few, else in the order of the maps. */
function* recordsOfMaps(
  context: ShowContext,
  maps: FastpathMaps,
  tenant: string | undefined,
): Generator<RouteRecord, void, undefined> {
  const { kernel, names, intent } = context;
  const zones = new ZoneNames(kernel, intent);
  const zone = tenant === undefined ? undefined : (zones.numberOf(tenant) ?? NO_ZONE);
  const encaps = encapEntries(maps);
  const gateways = new Map(
    intent === undefined ? [] : [...new SteeringView(intent).gatewayNumbers].map(([name, number]) => [number, name]),
  );
  const none = { via: null, nexthopId: null, segments: [], node: null, device: null, state: 'ok' as const };
  const to = (
    destination: Destination,
  ): Omit<RouteRecord, 'tenant' | 'vrf' | 'table' | 'prefix' | 'protocol' | 'metric'> => {
    switch (destination.kind) {
      case 'port':
      case 'external': {
        const link = kernel.links.byIndex(destination.ifindex);
        const state = link === undefined ? 'dead' : linkState(link) === 'up' ? 'ok' : 'linkdown';
        return { ...none, type: 'unicast', device: kernel.links.nameOf(destination.ifindex), state };
      }
      case 'encap': {
        const { segments = [], hops = 0 } = encaps.get(destination.id) ?? {};
        const node = names.nodeOfSid(segments.at(-1)) ?? null;
        return {
          ...{ ...none, type: 'unicast', nexthopId: destination.id, segments, node },
          state: hops === 0 ? 'unresolved' : 'ok',
        };
      }
      case 'steered':
        return { ...none, type: 'unicast', via: `gateway ${gateways.get(destination.gateway) ?? destination.gateway}` };
      case 'gateway':
        return { ...none, type: 'local' };
      case 'kernel':
        return { ...none, type: 'unicast', state: 'unresolved' };
      case 'absent':
        return { ...none, type: 'unreachable' };
    }
  };
  const base = { vrf: null, table: null, protocol: protocolName(PROTOCOL), metric: null };
  for (const entry of sortedIfFew(entriesOf(maps, zone))) {
    yield { tenant: zones.of(entry.zone), prefix: entry.prefix, ...base, ...to(entry.to) };
  }
}

function* entriesOf(maps: FastpathMaps, zone: number | undefined): Generator<RouteEntry, void, undefined> {
  for (const entry of routeEntries(maps)) if (zone === undefined || entry.zone === zone) yield entry;
}

function* sortedIfFew(entries: Generator<RouteEntry, void, undefined>): Generator<RouteEntry, void, undefined> {
  const first: RouteEntry[] = [];
  for (let next = entries.next(); next.done !== true; next = entries.next()) {
    if (first.push(next.value) < SORTED_ENTRIES) continue;
    yield* first;
    yield* entries;
    return;
  }
  const { compare } = new Intl.Collator('en', { numeric: true });
  yield* first.sort((a, b) => a.zone - b.zone || a.family - b.family || compare(a.prefix, b.prefix));
}

/** @throws CommandError (bad input) */
export async function showRoute(context: ShowContext, options: ShowOptions, output: Output): Promise<undefined> {
  await printList(output, routeRecords(context, options), ROUTE_COLUMNS, options.json);
}

/** Segments of a route's own encapsulation, or of its next-hop object. */
function segmentsOf({ encap, nexthopId }: Route, nexthops: ReadonlyMap<number, Nexthop>): string[] {
  const through = encap ?? (nexthopId === undefined ? undefined : nexthops.get(nexthopId)?.encap);
  return through?.type === 'seg6' ? through.segments : [];
}
