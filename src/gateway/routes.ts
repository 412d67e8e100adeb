/**
 * How a hypervisor sends to the network nodes. Routes of the kernel lead to the node that a pair of tenants has: both ends of a pair
 * choose alike, so that the two directions of a connection meet at one node. The fast path shares out flows (bpf/gateway/select.h).
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
import type { Gateway, Tenant } from '../intent/types.js';
import type { BpfMember } from '../ebpf/objects.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';

const PAIR_SEED = 3;
const FAMILIES = [4, 6] as const;
const DEFAULT_ROUTE = { 4: '0.0.0.0/0', 6: '::/0' } as const;
/** What no router forwards (RFC 6890): it follows no default route either. Multicast and fe80::/10 the programs know by themselves. */
export const NOT_FORWARDED = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16'],
  6: ['::/127'],
} as const;

/** What a tenant with ports here reaches through its gateway: what it has policies with, and the rest. */
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

/** The ways from this node to the nodes of a tenant's gateway, where it hosts the tenant or is one of them. */
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
    // A network node that hosts nobody has nothing to send to itself.
    if (name !== view.config.node || hosted) planEncap(view, tenant, name, emit);
  }
}

/**
 * The kernel's routes, with the node of each: what the tenant has policies with, and a default route for the rest, which a network node
 * refuses and counts.
 */
function kernelRoutes(view: IntentView, tenant: Tenant, gateway: Gateway): Map<string, string> {
  const routes = new Map<string, string>();
  const nodes = candidates(view, gateway);
  if (view.ebpfOnly || nodes.length === 0) return routes;
  const table = maglevTable(nodes);
  for (const { peer, prefix } of zoneRoutes(view, tenant.name)) {
    // A network beyond the nodes has one of them at a time, whoever sends there.
    routes.set(prefix, pick(table, externalOf(peer) === undefined ? [tenant.name, peer] : [peer]));
  }
  for (const family of familiesOf(tenant)) {
    const prefix = DEFAULT_ROUTE[family];
    if (!routes.has(prefix)) routes.set(prefix, pick(table, [tenant.name]));
  }
  return routes;
}

/**
 * What the fast path shares out among the network nodes, flow by flow: all that is outside the tenant's subnets. A network beyond the
 * nodes has one of them at a time. Nothing where a path there has more segments than it holds: that is the kernel's.
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
    // A tenant may be inside a wider external network.
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
 * Those that take new flows: that can be reached and do not drain; where all that can be reached drain, those; where none can, as if all
 * could. The kernel cannot send to this node itself, which the fast path can.
 */
function candidates(view: IntentView, { nodes }: Gateway): string[] {
  const others = nodes.filter((name) => name !== view.config.node);
  const reached = others.filter((name) => view.facts.unreachableNodes?.includes(name) !== true);
  const up = reached.length > 0 ? reached : others;
  const active = up.filter((name) => view.node(name).drain !== true);
  return active.length > 0 ? active : up;
}

/** The network node that an external network has, of those of its gateway. */
export function externalNode(nodes: readonly string[], external: string): string {
  return pick(maglevTable(nodes), [externalZone(external)]);
}

function pick(table: readonly string[], zones: readonly ZoneName[]): string {
  return table[fixedSlotOf(zones)] ?? '';
}

/** The slot of a gateway's table that traffic between zones has as a whole. */
export function fixedSlotOf(zones: readonly ZoneName[]): number {
  return hash53(PAIR_SEED, [...zones].sort().join(' ')) % MAGLEV_SLOTS;
}

function familiesOf(tenant: Tenant): (4 | 6)[] {
  return FAMILIES.filter((family) => tenant.subnets.some(({ prefix }) => familyOf(prefix) === family));
}

/** Next hops towards a network node, but those that the tenant's ports there have made already. */
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

/** Encapsulations towards a network node, but those that the tenant's ports there have made already, and which of them is its. */
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
  // At a gateway's SID either family is taken.
  const encap = remoteSid(view, tenant, name, first);
  emit('gw-encap', `${tenant.id} ${node}`, { tenant: tenant.id, node, encap });
}

function isShort(view: IntentView, tenant: Tenant, node: string): boolean {
  return view.paths.transit(tenant.name, node).length < MAX_SEGMENTS;
}
