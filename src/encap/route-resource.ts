import { concernsLink } from '../reconcile/follows.js';
import { isOwnNexthop, isOwnRoute } from './events.js';
import type { EventContext, Follows } from '../reconcile/follows.js';
import { routeKey } from './route-key.js';
import { BEHAVIOUR_CODE } from './sid.js';
import { isTenantTable, MAIN_TABLE, PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import {
  decodeRoute,
  deleteRoute,
  dumpRoutesRequest,
  replaceRoute,
  type Route as KernelRoute,
  type RouteSpec,
} from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { Route } from './objects.js';

const ROUTE_FOLLOWS: Follows = {
  link: (link, context) => concernsLink(link, context) && [...vrfTables(link.name, context), MAIN_TABLE],
  // When a device loses its last IPv4 address, the kernel removes its routes without a notification (fib_disable_ip, net/ipv4/fib_frontend.c).
  address: ({ ifindex }, context) => context.concerns(ifindex) && vrfTables(context.nameOf(ifindex), context),
  route: (route, context) => isOwnRoute(route, context) && [route.table],
  // The kernel removed routes with this next hop without a notification, or they use a different one now.
  nexthop({ id, oif }, { plan, nexthopDevices }) {
    if (!isOwnNexthop(id)) return false;
    const tables = nexthopDevices(id, oif).flatMap((device) => plan.vrf.get(device)?.table ?? []);
    return tables.length > 0 ? tables : 'all';
  },
};

/**
 * The routing table of a VRF, or of a port's VRF. The kernel removes routes and next hops of a device that goes down without a notification.
 * Uplinks and lo have no such table. Local SIDs use the VRF as their device, and are in main.
 */
function vrfTables(device: string, { plan }: EventContext): number[] {
  const table = plan.vrf.get(plan.port.get(device)?.vrf ?? device)?.table;
  return table === undefined ? [] : [table];
}

/** RTNH_F_ONLINK: the gateway is on the link even without a route to it. */
const ONLINK = 4;
const NONE: readonly string[] = [];

/**
 * Routes, recognised by protocol and place: in a tenant's table all routes of segue's protocol; in main the planned ones, and local SIDs of tenants
 * (seg6local with a tenant's table). Elsewhere the protocol alone is no proof.
 */
export const routeResource: Resource<'route'> = {
  name: 'route',
  after: ['nexthop', 'port'],
  follows: ROUTE_FOLLOWS,

  list(kernel, wanted, scope) {
    const found = new Map<string, Route>();
    const add = (route: KernelRoute): void => {
      const key = routeKey(route.table, route.prefix, route.metric);
      // A route of others in the place of a planned one is drift, and is replaced; elsewhere it is not segue's.
      const isOurs = isTenantTable(route.table)
        ? route.protocol === PROTOCOL || wanted.has(key)
        : route.protocol === PROTOCOL && (wanted.has(key) || isTenantSid(route));
      if (!isOurs) return;
      const value = fromKernel(kernel, route);
      found.set(key, route.protocol === PROTOCOL ? value : { ...value, protocol: route.protocol });
    };
    const filters = scope === undefined ? [{}] : [...scope.tables].map((table) => ({ table }));
    for (const family of [4, 6] as const) {
      for (const filter of filters) {
        for (const route of kernel.socket.dump(dumpRoutesRequest({ family, ...filter }), decodeRoute)) add(route);
      }
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => {
      if (desired === undefined) {
        if (actual === undefined) return [];
        const { table, prefix, metric, type } = actual;
        return [deleteRoute({ table, prefix, metric, type, protocol: PROTOCOL })];
      }
      return [replaceRoute(toKernel(kernel, desired))];
    }),

  devices({ device, nexthop }) {
    if (device !== undefined) return [device];
    // The key of a next hop contains its VRF, on which it depends.
    return nexthop === undefined ? NONE : [nexthop.slice(nexthop.indexOf(' ') + 1, nexthop.lastIndexOf(' '))];
  },

  inScope: ({ table }, { tables }) => tables.has(table),

  describe(_key, { table, prefix, type, device, via, nexthop, local, metric }) {
    const words = ['route'];
    if (type !== 'unicast') words.push(type);
    words.push(prefix);
    if (nexthop !== undefined) words.push('nexthop', nexthop);
    if (local !== undefined) words.push(`encap seg6local action ${local.action} vrftable ${local.vrfTable}`);
    if (via !== undefined) words.push('via', via);
    if (device !== undefined) words.push('dev', device);
    words.push('table', String(table));
    if (type === 'unreachable') words.push('metric', String(metric));
    return words.join(' ');
  },
};

/** Whether a route is a tenant's local SID, of any locator. */
function isTenantSid({ table, prefix, encap }: KernelRoute): boolean {
  if (table !== MAIN_TABLE || !prefix.endsWith('/128') || encap?.type !== 'seg6local') return false;
  const { action, vrfTable } = encap;
  return action in BEHAVIOUR_CODE && vrfTable !== undefined && isTenantTable(vrfTable);
}

function toKernel(kernel: Kernel, route: Route): RouteSpec {
  const { table, prefix, type, metric } = route;
  const spec: RouteSpec = { table, prefix, type, metric, protocol: PROTOCOL };
  if (route.nexthop !== undefined) {
    const id = kernel.nexthopIds.get(route.nexthop);
    if (id === undefined) throw new Error(`route ${prefix} table ${table}: next hop "${route.nexthop}" does not exist`);
    spec.nexthopId = id;
  }
  if (route.device !== undefined) spec.oif = kernel.links.indexOf(route.device);
  if (route.via !== undefined) {
    spec.gateway = route.via;
    spec.flags = ONLINK;
  }
  if (route.local !== undefined) {
    const { action, vrfTable } = route.local;
    spec.encap = { type: 'seg6local', action, vrfTable, count: true };
  }
  return spec;
}

function fromKernel(kernel: Kernel, route: KernelRoute): Route {
  const { table, prefix, metric, nexthopId, encap } = route;
  const value: Route = { table, prefix, type: route.type as Route['type'], metric };
  if (nexthopId !== undefined) {
    value.nexthop = kernel.nexthopIds.keyOf(nexthopId) ?? `id ${nexthopId}`;
    return value;
  }
  // The kernel attaches unreachable and blackhole routes of IPv6 to lo; the plan does not.
  if (route.oif !== undefined && route.type === 'unicast') value.device = kernel.links.nameOf(route.oif);
  if (route.gateway !== undefined) value.via = route.gateway;
  if (encap?.type === 'seg6local') {
    value.local = { action: encap.action as never, vrfTable: encap.vrfTable ?? encap.table ?? 0 };
  } else if (encap !== undefined) {
    value.foreignEncap = encap.type;
  }
  return value;
}
