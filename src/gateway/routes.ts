/**
 * How a hypervisor sends to the network nodes: routes of the kernel, and entries of the fast path, by the node that a pair of tenants
 * has. Both ends of a pair choose alike, so that the two directions of a connection meet at one node.
 */
import { MAX_SEGMENTS } from '../ebpf/plan.js';
import { memberKey } from '../ebpf/member-key.js';
import { nexthopKey, remoteSid } from '../encap/plan.js';
import { DEFAULT_METRIC, routeKey } from '../encap/route-key.js';
import { hash53 } from '../intent/check/seen.js';
import { familyOf } from '../net/address.js';
import { tenantTable, vrfName } from '../plan/numbers.js';
import { maglevTable, MAGLEV_SLOTS } from './maglev.js';
import { reachOf } from './reach.js';
import { externalOf, externalZone } from './view.js';
import type { Gateway, Tenant } from '../intent/types.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';

const PAIR_SEED = 3;
const FAMILIES = [4, 6] as const;
const DEFAULT_ROUTE = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/** What a tenant with ports here reaches through its gateway: what it has policies with, and a default route for the rest. */
export function planGatewayRoutes(view: IntentView, tenant: Tenant, emit: Emit): void {
  const gateway = view.steering.gatewayOf(tenant.name);
  if (gateway === undefined || !view.localPorts.has(tenant.name)) return;
  const nodes = candidates(view, gateway);
  if (nodes.length === 0) return;
  const table = maglevTable(nodes);
  const routes = new Map<string, string>();
  for (const { peer, prefix } of reachOf(view, tenant.name)) {
    // A network beyond the nodes has one of them at a time, whoever sends there.
    routes.set(prefix, pick(table, externalOf(peer) === undefined ? [tenant.name, peer] : [peer]));
  }
  for (const [prefix, node] of routes) {
    planRoute(view, tenant, prefix, node, emit);
    planFastRoute(view, tenant, prefix, node, emit);
  }
  // What has no policy is refused by a network node, which counts it. Left to the kernel: in the fast path a default route would take
  // what is for absent members of the tenant's own subnets, too.
  for (const family of familiesOf(tenant)) {
    const prefix = DEFAULT_ROUTE[family];
    if (routes.has(prefix) || view.alone) continue;
    const node = pick(table, [tenant.name]);
    planRoute(view, tenant, prefix, node, emit);
    routes.set(prefix, node);
  }
  // A network node plans them itself.
  if (!view.decidesFor(tenant.name)) planEncaps(view, tenant, new Set(routes.values()), emit);
}

/** The ways from this network node to the others of a tenant's gateway. */
export function planGatewayEncaps(view: IntentView, tenant: Tenant, emit: Emit): void {
  const { steering } = view;
  const others = (steering.gatewayOf(tenant.name)?.nodes ?? []).filter((name) => name !== view.config.node);
  planEncaps(view, tenant, new Set(others), emit);
  for (const name of others) {
    const node = steering.nodeNumbers.get(name) ?? 0;
    const [first] = tenant.subnets;
    if (first === undefined || !isShort(view, tenant, name)) continue;
    const encap = remoteSid(view, tenant, name, familyOf(first.prefix));
    emit('steer-gateway-encap', `${tenant.id} ${node}`, { tenant: tenant.id, node, encap });
  }
}

/** Those that take new flows; where all drain, all. This node itself is reached without an encapsulation, which is not yet made. */
function candidates(view: IntentView, { nodes }: Gateway): string[] {
  const others = nodes.filter((name) => name !== view.config.node);
  const active = others.filter((name) => view.node(name).drain !== true);
  return active.length > 0 ? active : others;
}

/** The network node that an external network has, of those of its gateway. */
export function externalNode(nodes: readonly string[], external: string): string {
  return pick(maglevTable(nodes), [externalZone(external)]);
}

function pick(table: readonly string[], zones: readonly ZoneName[]): string {
  return table[hash53(PAIR_SEED, [...zones].sort().join(' ')) % MAGLEV_SLOTS] ?? '';
}

function planRoute(view: IntentView, tenant: Tenant, prefix: string, node: string, emit: Emit): void {
  const family = familyOf(prefix);
  if (view.alone) return;
  const table = tenantTable(tenant.id);
  const metric = DEFAULT_METRIC[family];
  const nexthop = nexthopKey(family, tenant, remoteSid(view, tenant, node, family));
  emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unicast', metric, nexthop });
}

function planFastRoute(view: IntentView, tenant: Tenant, prefix: string, node: string, emit: Emit): void {
  if (view.fastpath === undefined || !isShort(view, tenant, node)) return;
  const encap = remoteSid(view, tenant, node, familyOf(prefix));
  emit('bpf-prefix', memberKey(tenant.id, prefix), { tenant: tenant.id, encap });
}

function familiesOf(tenant: Tenant): (4 | 6)[] {
  return FAMILIES.filter((family) => tenant.subnets.some(({ prefix }) => familyOf(prefix) === family));
}

/** Next hops and encapsulations towards network nodes, but those that the tenant's ports there have made already. */
function planEncaps(view: IntentView, tenant: Tenant, nodes: ReadonlySet<string>, emit: Emit): void {
  const hosted = view.localPorts.has(tenant.name);
  for (const name of nodes) {
    const pair = view.pair(tenant.name, name);
    if (pair !== undefined) continue;
    const transit = view.transit(tenant.name, name);
    const sids = new Map(familiesOf(tenant).map((family) => [family, remoteSid(view, tenant, name, family)]));
    for (const [family, sid] of sids) {
      if (view.alone || !hosted) continue;
      emit('nexthop', nexthopKey(family, tenant, sid), {
        ...{ family, device: vrfName(tenant.id), mode: 'encap.red', segments: [...transit, sid] },
      });
    }
    if (view.fastpath === undefined || !isShort(view, tenant, name)) continue;
    const [first] = transit;
    const underlay = first === undefined ? view.node(name).locator : `${first}/128`;
    for (const sid of new Set(sids.values())) emit('bpf-encap', sid, { segments: [...transit, sid], underlay });
  }
}

function isShort(view: IntentView, tenant: Tenant, node: string): boolean {
  return view.transit(tenant.name, node).length < MAX_SEGMENTS;
}
