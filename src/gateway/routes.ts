/**
 * How a hypervisor sends to the network nodes. The kernel's routes send all traffic of a pair of tenants to one node, which both ends choose alike,
 * so that both directions of a connection use the same node. The fast path distributes flows (bpf/gateway/select.h).
 */
import { MAX_SEGMENTS } from '../ebpf/plan.js';
import { memberKey } from '../ebpf/member-key.js';
import { nexthopKey, remoteSid } from '../encap/plan.js';
import { DEFAULT_METRIC, routeKey } from '../encap/route-key.js';
import { hash53 } from '../intent/check/hash-set.js';
import { familyOf } from 'netlink-ts/inet';
import { tenantTable, vrfName } from '../plan/numbers.js';
import { maglevTable, MAGLEV_SLOTS } from './maglev.js';
import { zoneRoutes } from './zone-routes.js';
import { externalOf, externalZone } from './view.js';
import { decidesFor } from './zones.js';
import type { Tenant } from '../intent/types.js';
import type { BpfMember } from '../ebpf/objects.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';
import type { Gateway } from './types.js';

const PAIR_SEED = 3;
const FAMILIES = [4, 6] as const;
const DEFAULT_ROUTE = { 4: '0.0.0.0/0', 6: '::/0' } as const;
/**
 * Destinations that no router forwards (RFC 6890), so that no default route applies to them either. Programs recognise multicast and fe80::/10
 * themselves.
 */
export const NOT_FORWARDED = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16'],
  6: ['::/127'],
} as const;

/** Plans a local tenant's routes through its gateway: to the zones that it has policies with, and to all others. */
export function planGatewayRoutes(view: IntentView, tenant: Tenant, emit: Emit): void {
  const gateway = view.steering.gatewayOf(tenant.name);
  if (gateway === undefined || !view.localPorts.has(tenant.name)) return;
  const table = tenantTable(tenant.id);
  for (const [prefix, node] of kernelRoutes(view, tenant, gateway)) {
    const family = familyOf(prefix);
    const metric = DEFAULT_METRIC[family];
    const nexthop = nexthopKey(family, tenant, remoteSid(view, tenant, node, family));
    emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unicast', metric, nexthop });
  }
  for (const [prefix, member] of steeredPrefixes(view, tenant, gateway)) {
    emit('bpf-prefix', memberKey(tenant.id, prefix), member);
  }
}

/** Plans next hops and encapsulations to the nodes of a tenant's gateway, if this node hosts the tenant or is one of them. */
export function planGatewayWays(view: IntentView, tenant: Tenant, emit: Emit): void {
  const gateway = view.steering.gatewayOf(tenant.name);
  const hosted = view.localPorts.has(tenant.name);
  if (gateway === undefined || (!hosted && !decidesFor(view, tenant.name))) return;
  if (hosted) {
    const used = new Set(kernelRoutes(view, tenant, gateway).values());
    for (const name of used) planNexthops(view, tenant, name, emit);
  }
  if (view.fastpath === undefined) return;
  for (const name of gateway.nodes) {
    // A network node that does not host the tenant never sends to itself.
    if (name !== view.config.node || hosted) planEncap(view, tenant, name, emit);
  }
}

/**
 * The kernel's routes with the network node of each: to zones that the tenant has policies with, and a default route for the rest, which a network
 * node drops and counts.
 */
function kernelRoutes(view: IntentView, tenant: Tenant, gateway: Gateway): Map<string, string> {
  const routes = new Map<string, string>();
  const nodes = candidates(view, gateway);
  if (view.ebpfOnly || nodes.length === 0) return routes;
  const table = maglevTable(nodes);
  for (const { peer, prefix } of zoneRoutes(view, tenant.name)) {
    // An external network uses one node at a time, for all senders.
    routes.set(prefix, pick(table, externalOf(peer) === undefined ? [tenant.name, peer] : [peer]));
  }
  for (const family of familiesOf(tenant)) {
    const prefix = DEFAULT_ROUTE[family];
    if (!routes.has(prefix)) routes.set(prefix, pick(table, [tenant.name]));
  }
  return routes;
}

/**
 * Prefixes whose flows the fast path distributes among the network nodes: everything outside the tenant's subnets. An external network uses one
 * node at a time. Empty if the path to a node is too long for an entry: the kernel then forwards.
 */
function steeredPrefixes(view: IntentView, tenant: Tenant, gateway: Gateway): Map<string, BpfMember> {
  const prefixes = new Map<string, BpfMember>();
  const isHeld = (name: string): boolean => name === view.config.node || isShort(view, tenant, name);
  if (view.fastpath === undefined || !gateway.nodes.every(isHeld)) return prefixes;
  const number = view.steering.gatewayNumbers.get(gateway.name) ?? 0;
  const steered: BpfMember = { tenant: tenant.id, steered: number };
  const absent: BpfMember = { tenant: tenant.id, absent: true };
  const reach = zoneRoutes(view, tenant.name);
  const hasExternals = reach.some(({ peer }) => externalOf(peer) !== undefined);
  for (const { peer, prefix } of hasExternals ? reach : []) {
    // A tenant's prefix may be inside a wider external network.
    const fixedSlot = externalOf(peer) === undefined ? undefined : fixedSlotOf([peer]);
    prefixes.set(prefix, fixedSlot === undefined ? steered : { ...steered, fixedSlot });
  }
  for (const family of familiesOf(tenant)) {
    const rest = DEFAULT_ROUTE[family];
    if (!prefixes.has(rest)) prefixes.set(rest, steered);
    for (const prefix of NOT_FORWARDED[family]) prefixes.set(prefix, absent);
  }
  for (const { prefix } of tenant.subnets) if (!prefixes.has(prefix)) prefixes.set(prefix, absent);
  return prefixes;
}

/**
 * Nodes for new flows: reachable and not draining; if all reachable nodes drain, those; if none is reachable, as if all were. This node itself is
 * excluded: the kernel cannot send to it, but the fast path can.
 */
function candidates(view: IntentView, { nodes }: Gateway): string[] {
  const others = nodes.filter((name) => name !== view.config.node);
  const reached = others.filter((name) => view.facts.unreachableNodes?.includes(name) !== true);
  const up = reached.length > 0 ? reached : others;
  const active = up.filter((name) => view.node(name).drain !== true);
  return active.length > 0 ? active : up;
}

/** The network node of an external network, among those of its gateway. */
export function externalNode(nodes: readonly string[], external: string): string {
  return pick(maglevTable(nodes), [externalZone(external)]);
}

function pick(table: readonly string[], zones: readonly ZoneName[]): string {
  return table[fixedSlotOf(zones)] ?? '';
}

/** The slot of a gateway's table that all traffic between these zones uses. */
export function fixedSlotOf(zones: readonly ZoneName[]): number {
  return hash53(PAIR_SEED, [...zones].sort().join(' ')) % MAGLEV_SLOTS;
}

function familiesOf(tenant: Tenant): (4 | 6)[] {
  return FAMILIES.filter((family) => tenant.subnets.some(({ prefix }) => familyOf(prefix) === family));
}

/** Plans next hops to a network node, unless the tenant's ports there already have them. */
function planNexthops(view: IntentView, tenant: Tenant, name: string, emit: Emit): void {
  if (view.pair(tenant.name, name) !== undefined) return;
  const transit = view.paths.transit(tenant.name, name);
  for (const family of familiesOf(tenant)) {
    const sid = remoteSid(view, tenant, name, family);
    emit('nexthop', nexthopKey(family, tenant, sid), {
      ...{ family, device: vrfName(tenant.id), mode: 'encap.red', segments: [...transit, sid] },
    });
  }
}

/** Plans encapsulations to a network node, unless the tenant's ports there already have them, and selects the tenant's. */
function planEncap(view: IntentView, tenant: Tenant, name: string, emit: Emit): void {
  const isSelf = name === view.config.node;
  const [first] = familiesOf(tenant);
  if (first === undefined || (!isSelf && !isShort(view, tenant, name))) return;
  const transit = isSelf ? [] : view.paths.transit(tenant.name, name);
  if (view.pair(tenant.name, name) === undefined) {
    const [segment] = transit;
    const underlay = segment === undefined ? view.node(name).locator : `${segment}/128`;
    for (const sid of new Set(familiesOf(tenant).map((family) => remoteSid(view, tenant, name, family)))) {
      emit('bpf-encap', sid, { segments: [...transit, sid], underlay });
    }
  }
  const node = view.steering.nodeNumbers.get(name) ?? 0;
  // A gateway's SID accepts both families.
  const encap = remoteSid(view, tenant, name, first);
  emit('gw-encap', `${tenant.id} ${node}`, { tenant: tenant.id, node, encap });
}

function isShort(view: IntentView, tenant: Tenant, node: string): boolean {
  return view.paths.transit(tenant.name, node).length < MAX_SEGMENTS;
}
