import { LOCAL_TABLE, NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT, PROTOCOL } from '../plan/numbers.js';
import { routeKey } from './route-key.js';
import type { Route } from 'netlink-ts';
import type { EventContext } from '../reconcile/follows.js';

/** Whether a next hop is one of segue's, by its id. */
export function isOwnNexthop(id: number): boolean {
  return id >= NEXTHOP_ID_BASE && id < NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT;
}

/** Whether a route is segue's, or occupies the place of one. */
export function isOwnRoute({ table, prefix, metric, protocol }: Route, { plan }: EventContext): boolean {
  return table !== LOCAL_TABLE && (protocol === PROTOCOL || plan.route.has(routeKey(table, prefix, metric)));
}
