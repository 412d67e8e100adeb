import { MAIN_TABLE } from '../plan/numbers.js';
import { decodeRoute, isNetlinkError, lookupRoute, type Route } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

/** The device of the kernel's route to an underlay address, or why there is none. */
export function underlayRouteTo(kernel: Kernel, to: string, from: string): { device?: string; error: string } {
  try {
    const route = kernel.socket.get(lookupRoute({ to, from }), decodeRoute);
    if (route?.oif === undefined) return { error: 'no answer' };
    const device = kernel.links.nameOf(route.oif);
    if (device === 'lo' || route.type !== 'unicast') return { error: `${route.type} dev ${device}` };
    // A route over a device without carrier remains (net.ipv6.conf.*.ignore_routes_with_linkdown).
    const link = kernel.links.get(device);
    return link?.up === true && link.carrier !== false ? { device, error: '' } : { error: `dev ${device} is down` };
  } catch (error) {
    if (isNetlinkError(error)) return { error: error.errnoName };
    throw error;
  }
}

/** Whether a route may belong to the underlay. */
export function isUnderlayRoute({ table, prefix }: Pick<Route, 'table' | 'prefix'>): boolean {
  return table === MAIN_TABLE && prefix.includes(':');
}
