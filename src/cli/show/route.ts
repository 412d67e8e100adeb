import { column } from '../table.js';
import { ownNexthops, routesOf } from '../../inspect/state.js';
import { protocolName } from '../../inspect/words.js';
import { tableOf } from './view.js';
import type { ShowContext } from '../../inspect/context.js';
import type { ShowOptions, Shown } from './view.js';
import type { Nexthop, Route } from '../../netlink/types.js';

/** RTNH_F_DEAD and RTNH_F_LINKDOWN: the route is in the table and is not used. */
const DEAD = 1;
const LINKDOWN = 16;

/** One element of `segue show route -j`. */
export interface RouteRecord {
  tenant: string;
  vrf: string;
  table: number;
  prefix: string;
  /** `unicast`, `unreachable`, `blackhole`, `local`… */
  type: string;
  /** Gateway of a prefix behind a port's VM. */
  via: string | null;
  nexthopId: number | null;
  /** In travel order; the last is the SID that decapsulates. */
  segments: string[];
  /** In whose locator the last segment lies; null without the intent. */
  node: string | null;
  device: string | null;
  protocol: string;
  metric: number;
  state: 'ok' | 'linkdown' | 'dead';
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
  column<RouteRecord>('METRIC', ({ metric }) => metric),
  column<RouteRecord>('STATE', ({ state }) => state),
];

export function routeRecords({ kernel, names }: ShowContext, { tenant, all }: ShowOptions): RouteRecord[] {
  const nexthops = new Map(ownNexthops(kernel).map((nexthop) => [nexthop.id, nexthop]));
  const wanted = names.vrfs.filter((vrf) => tenant === undefined || vrf.tenant === tenant);
  return wanted.flatMap((vrf) =>
    routesOf(kernel, vrf.table, all).map((route): RouteRecord => {
      const segments = segmentsOf(route, nexthops);
      const { oif, gateway, nexthopId, flags = 0 } = route;
      return {
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
    }),
  );
}

export function showRoute(context: ShowContext, options: ShowOptions): Shown {
  return tableOf(routeRecords(context, options), ROUTE_COLUMNS);
}

/** Segments of a route's own encapsulation or of its next-hop object's. */
function segmentsOf({ encap, nexthopId }: Route, nexthops: ReadonlyMap<number, Nexthop>): string[] {
  const through = encap ?? (nexthopId === undefined ? undefined : nexthops.get(nexthopId)?.encap);
  return through?.type === 'seg6' ? through.segments : [];
}
