import type { Follows } from '../reconcile/follows.js';
import { DEFAULT_METRIC } from '../encap/route-key.js';
import { createRoute, decodeRoute, deleteRoute, dumpRoutesRequest, type Route as KernelRoute } from 'netlink-ts';
import { isTenantTable, PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { discardedLocators } from '../vrf/rule-resource.js';
import { announceKey } from './announce-key.js';
import type { Resource } from '../reconcile/resource.js';
import type { Announcement } from './objects.js';

/** When another daemon replaces segue's route, the kernel sends only RTM_NEWROUTE with that daemon's protocol, and no RTM_DELROUTE. */
const ANNOUNCE_FOLLOWS: Follows = {
  route: ({ table, prefix }, { plan }) => plan.announce.has(announceKey(table, prefix)),
};

const METRIC = DEFAULT_METRIC[6];

/**
 * The locator's announcement: `blackhole <locator>` in the table that routing daemons redistribute. Segue's is recognised by protocol, form and
 * place: the locator is planned, or has a discard rule (`rule pref 32764 to <locator> blackhole`).
 *
 * A route of others for the locator in the same place also announces it: it is neither replaced nor removed.
 */
export const announceResource: Resource<'announce'> = {
  name: 'announce',
  after: [],
  follows: ANNOUNCE_FOLLOWS,
  awaitsAll: true,

  list(kernel, wanted) {
    const found = new Map<string, Announcement>();
    const locators = discardedLocators(kernel);
    // Filtered by the kernel, since tables may hold a million routes.
    const ours = dumpRoutesRequest({ family: 6, protocol: PROTOCOL, type: 'blackhole' });
    for (const route of kernel.socket.dump(ours, decodeRoute)) {
      const { table, prefix } = route;
      const key = announceKey(table, prefix);
      if (isAnnouncement(route) && (wanted.has(key) || locators.has(prefix))) found.set(key, { table, prefix });
    }
    for (const [key, { table, prefix }] of wanted) {
      if (found.has(key)) continue;
      const there = kernel.socket.dump(dumpRoutesRequest({ family: 6, table }), decodeRoute);
      const foreign = there.find((route) => route.prefix === prefix && route.metric === METRIC);
      if (foreign !== undefined) found.set(key, { table, prefix, protocol: foreign.protocol });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => {
      const { table, prefix } = desired ?? actual ?? {};
      if (table === undefined || prefix === undefined) return [];
      const route = { table, prefix, metric: METRIC, type: 'blackhole', protocol: PROTOCOL } as const;
      // Created but never replaced, which preserves a route that others added meanwhile.
      return [desired === undefined ? deleteRoute(route) : createRoute(route)];
    }),

  equal: () => true,

  describe: (_key, { table, prefix }) => `announcement blackhole ${prefix} table ${table}`,
};

function isAnnouncement({ table, metric, nexthopId, encap }: KernelRoute): boolean {
  return metric === METRIC && !isTenantTable(table) && nexthopId === undefined && encap === undefined;
}
