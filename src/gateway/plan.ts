/** Plans a network node: its zones, their addresses, and the policies between them. Plans nothing without the fast path. */
import { memberKey } from '../ebpf/member-key.js';
import { emitXdp, planFastSelf, programUse } from '../ebpf/plan.js';
import { tenantMtu } from '../encap/paths.js';
import { localBehaviours } from '../encap/plan.js';
import { tenantSid } from '../encap/sid.js';
import { familyOf, hostPrefix, prefixContains } from 'netlink-ts/inet';
import { FLOW_NODES } from './flow-affinity.js';
import { compilePolicySet } from './policy-set.js';
import { zoneRoutes } from './zone-routes.js';
import { NOT_FORWARDED } from './routes.js';
import { externalOf } from './view.js';
import { decidesFor, isNetworkNode, usesGateways } from './zones.js';
import type { Tenant } from '../intent/types.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { NetworkNodeWay, ZoneSource } from './objects.js';
import type { ZoneName } from './view.js';
import type { External } from './types.js';

const ALL = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/** Plans the network nodes of the node's gateways, and the node as one of them. */
export function planSteering(view: IntentView, emit: Emit): void {
  if (isNetworkNode(view)) planNetworkNode(view, emit);
  if (isNetworkNode(view) || usesGateways(view)) planGateways(view, emit);
}

function planNetworkNode(view: IntentView, emit: Emit): void {
  const own = view.steering.nodeNumbers.get(view.config.node);
  emit('nn-node', 'node', own === undefined ? {} : { self: own });
  const use = programUse(view);
  const hosts = view.localPorts.size > 0;
  for (const device of view.config.uplinks) {
    emit('bpf-program', `${device} tcx-first`, { device, hook: 'tcx-first', program: 'nn_uplink_tc', ...use });
    if (view.fastpath?.xdp.includes(device) !== true) continue;
    const optional = view.config.xdp !== 'always' && { optional: true as const };
    const then = hosts && { then: 'uplink_xdp' as const };
    emitXdp(emit, { device, hook: 'xdp', program: 'nn_uplink_xdp', ...use, ...then, ...optional });
  }
}

/** Plans all network nodes and their shares of flows. */
function planGateways(view: IntentView, emit: Emit): void {
  const { steering } = view;
  const { node: self } = view.config;
  emit('gw-flows', 'flows', { flows: FLOW_NODES });
  if (isNetworkNode(view) && usesGateways(view)) planFastSelf(view, emit);
  const from = view.self.source;
  const networkNodeWay = (name: string): NetworkNodeWay => ({
    number: steering.nodeNumbers.get(name) ?? 0,
    from,
    ...(name !== self && { underlay: view.node(name).locator }),
  });
  for (const name of steering.nodeNumbers.keys()) {
    emit('gw-node', name, { ...networkNodeWay(name), source: view.node(name).source });
  }
  for (const [name, number] of steering.gatewayNumbers) {
    const all = steering.gateways.get(name)?.nodes ?? [];
    const active = all.filter((node) => view.node(node).drain !== true);
    const nodes = Object.fromEntries(all.map((node) => [node, networkNodeWay(node)]));
    emit('gw-maglev', name, { number, active, all, nodes });
  }
}

/** Plans a zone of this network node: where its packets arrive, and the addresses of other zones that it may reach. */
export function planZone(view: IntentView, zone: ZoneName, emit: Emit): void {
  const { steering } = view;
  const gateway = steering.gatewayOfZone(zone);
  const id = zoneId(view, zone);
  if (!decidesFor(view, zone) || gateway === undefined || id === undefined) return;
  const number = steering.gatewayNumbers.get(gateway.name) ?? 0;
  emit('nn-zone', String(id), { zone: id });
  for (const { peer, prefix } of zoneRoutes(view, zone)) {
    const to = zoneId(view, peer);
    const tenant = view.tenants.get(peer);
    const mtu = tenant && { mtu: tenantMtu(view, tenant) };
    if (to !== undefined) emit('nn-route', memberKey(id, prefix), { from: id, to, gateway: number, ...mtu });
  }
  const external = steering.externals.get(externalOf(zone) ?? '');
  if (external === undefined) {
    for (const behaviour of localBehaviours(view)) {
      emit('nn-sid', tenantSid(view.self.locator, behaviour, id), { zone: id, gateway: number });
    }
    planIcmpSources(view.tenant(zone), emit);
    return;
  }
  planExternal(view, external, { zone: id, gateway: number, device: external.interface }, emit);
}

/** ICMP errors come from the gateway of the sender's subnet; for senders behind a port, from that of the tenant's first subnet. */
function planIcmpSources({ id, subnets }: Tenant, emit: Emit): void {
  const icmpSources = new Map<string, string>();
  for (const { prefix, gateway } of [...subnets].reverse()) {
    icmpSources.set(ALL[familyOf(prefix)], gateway);
    icmpSources.set(prefix, gateway);
  }
  for (const [prefix, address] of icmpSources) emit('nn-icmp-source', memberKey(id, prefix), { zone: id, address });
}

/** Plans an external network: allowed sources at its interface, its destinations, and the source of ICMP errors. */
function planExternal(
  view: IntentView,
  { prefixes }: External,
  source: ZoneSource & { device: string },
  emit: Emit,
): void {
  const { zone, device } = source;
  for (const prefix of prefixes) {
    emit('nn-external', `${device} ${prefix}`, source);
    emit('bpf-prefix', memberKey(zone, prefix), { tenant: zone, external: device });
  }
  for (const prefix of Object.values(ALL)) {
    if (!prefixes.includes(prefix)) emit('nn-external', `${device} ${prefix}`, { ...source, outside: true });
    emit('nn-icmp-source', memberKey(zone, prefix), { zone, device });
  }
  for (const prefix of ownPrefixes(view, prefixes))
    emit('bpf-prefix', memberKey(zone, prefix), { tenant: zone, absent: true });
  emit('bpf-program', `${device} tcx`, { device, hook: 'tcx', program: 'nn_external_tc', ...programUse(view) });
}

/**
 * Parts of an external network's prefixes that do not exist beyond its interface: addresses that no router forwards, and the node's own. The
 * kernel's next hop for the latter is the node itself: frames would leave without a destination MAC address.
 */
function ownPrefixes({ facts, self }: IntentView, prefixes: readonly string[]): Set<string> {
  const own = [
    ...NOT_FORWARDED[4],
    ...NOT_FORWARDED[6],
    ...[self.source, ...(facts.ownAddresses ?? [])].map(hostPrefix),
  ];
  return new Set(own.filter((prefix) => prefixes.some((one) => prefixContains(one, prefix))));
}

/** The policies from one zone to another. */
export function planPolicies(view: IntentView, from: ZoneName, to: ZoneName, emit: Emit): void {
  const policies = view.steering.policiesOf(from, to);
  const [fromId, toId] = [zoneId(view, from), zoneId(view, to)];
  if (policies.length === 0 || fromId === undefined || toId === undefined) return;
  if (decidesFor(view, from)) emit('nn-policies', `${fromId} ${toId}`, compilePolicySet(policies));
}

/** Number of a zone: the id, for a tenant; undefined if there is no such zone. */
function zoneId(view: IntentView, zone: ZoneName): number | undefined {
  const external = externalOf(zone);
  if (external === undefined) return view.tenants.get(zone)?.id;
  return view.steering.externals.has(external) ? view.steering.externalZoneId(external) : undefined;
}
