import { isUnderlayRoute } from '../host/underlay-route.js';
import { concernsLink } from '../reconcile/follows.js';
import type { Link } from 'netlink-ts';
import type { EventContext, Follows } from '../reconcile/follows.js';

/** Whether a zone of this network node may be at a link. */
export function isOfNetworkNode(link: Pick<Link, 'name' | 'master'>, context: EventContext): boolean {
  const { plan } = context;
  return plan['bpf-node'].size > 0 && plan['nn-node'].size > 0 && concernsLink(link, context);
}

const tracksReachability = ({ facts }: EventContext): boolean => facts.unreachableNodes !== undefined;

/** Events that change the facts: routes to network nodes, and the addresses of a node with an external network. */
export const FACTS_FOLLOW: Follows<boolean> = {
  route: (route, context) => isUnderlayRoute(route) && tracksReachability(context),
  nexthop: ({ family }, context) => family !== 4 && tracksReachability(context),
  rule: ({ family }, context) => family === 6 && tracksReachability(context),
  // A node with an external network plans by its own addresses (facts.ts).
  address: (_address, { plan }) => plan['nn-external'].size > 0,
};
