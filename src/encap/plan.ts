import { DEFAULT_METRIC, routeKey } from './route-key.js';
import { behaviourFor, behavioursOf, tenantSid } from './sid.js';
import { hostPrefix } from 'netlink-ts/inet';
import { tenantTable, vrfName } from '../plan/numbers.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView, RemoteSite } from '../plan/view.js';
import type { Behaviours, IntentNode, Port, Tenant } from '../intent/types.js';
import type { TenantBehaviour } from './sid.js';

const FAMILIES = [4, 6] as const;

declare module '../plan/view.js' {
  interface PairMemo {
    /** Key of its IPv4 next hop, shared by all routes to it. */
    inet?: string;
    /** Key of its IPv6 next hop. */
    inet6?: string;
  }
}

/** Plans a tenant's next hops to another node: one for each family, shared by all routes of the tenant to that node. */
export function planPair(view: IntentView, pair: RemoteSite, emit: Emit): void {
  const tenant = view.tenant(pair.tenant);
  const transit = view.paths.transit(tenant.name, pair.node);
  for (const family of FAMILIES) {
    if (!tenant.subnets.some((subnet) => familyOfPrefix(subnet.prefix) === family)) continue;
    const sid = remoteSid(view, tenant, pair.node, family);
    const slot = family === 4 ? 'inet' : 'inet6';
    emit('nexthop', (pair.memo[slot] ??= nexthopKey(family, tenant, sid)), {
      family,
      device: vrfName(tenant.id),
      mode: 'encap.red',
      segments: transit.length === 0 ? [sid] : [...transit, sid],
    });
  }
}

/** Plans the routes to a VM on another node: to its addresses, and to the prefixes behind it. */
export function planRemotePort(view: IntentView, pair: RemoteSite, port: Port, emit: Emit): void {
  const tenant = view.tenant(port.tenant);
  const table = tenantTable(tenant.id);
  const add = (prefix: string): void => {
    const family = familyOfPrefix(prefix);
    const slot = family === 4 ? 'inet' : 'inet6';
    const nexthop = (pair.memo[slot] ??= nexthopKey(family, tenant, remoteSid(view, tenant, port.node, family)));
    const metric = DEFAULT_METRIC[family];
    emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unicast', metric, nexthop });
  };
  for (const address of port.addresses) add(hostPrefix(address));
  for (const prefix of port.prefixes) add(prefix);
}

export function nexthopKey(family: 4 | 6, tenant: Tenant, sid: string): string {
  return `${family === 4 ? 'inet' : 'inet6'} ${vrfName(tenant.id)} ${sid}`;
}

export function familyOfPrefix(prefix: string): 4 | 6 {
  return prefix.includes(':') ? 6 : 4;
}

/** The SID for a family's packets of a tenant on another node. */
export function remoteSid(view: IntentView, tenant: Tenant, node: string, family: 4 | 6): string {
  const to = view.node(node);
  return tenantSid(to.locator, behaviourFor(family, nodeBehaviours(view, to)), tenant.id);
}

/** The behaviours of a node's SIDs: from the intent, else from this node's own file. */
function nodeBehaviours({ config }: IntentView, node: IntentNode): Behaviours {
  return node.behaviours ?? config.behaviours;
}

/** The behaviours of this node's SIDs for each tenant. */
export function localBehaviours(view: IntentView): TenantBehaviour[] {
  return behavioursOf(nodeBehaviours(view, view.self));
}
