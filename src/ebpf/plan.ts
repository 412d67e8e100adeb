/** Plans the fast path's entries, from the same units as the kernel's objects. In kernel mode, only the NDP responder. */
import { Limits } from './generated/layouts.js';
import { localBehaviours, remoteSid } from '../encap/plan.js';
import { tenantMtu } from '../encap/paths.js';
import { isNetworkNode, usesGateways } from '../gateway/zones.js';
import { tenantSid } from '../encap/sid.js';
import { gatewayMacOf } from '../intent/gateway-mac.js';
import { familyOf, hostPrefix, prefixAddress, prefixContains } from 'netlink-ts/inet';
import { memberKey } from './member-key.js';
import { TAG_FEATURES } from './objects.js';
import { ALL_SOURCES, sourceFilter } from './source-filter.js';
import type { BpfAttachment, BpfMember, RemoteEndpoint } from './objects.js';
import type { ProgramUse } from './programs.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView, RemoteSite } from '../plan/view.js';
import type { IntentNode, Port, Tenant } from '../intent/types.js';

declare module '../plan/view.js' {
  interface PairMemo {
    /** The fast path's value for its IPv4 addresses, shared by all of them. */
    endpoint4?: RemoteEndpoint;
    /** The same for its IPv6 addresses. */
    endpoint6?: RemoteEndpoint;
  }
}

/** Longer paths are forwarded by the kernel only. */
export const { MAX_SEGMENTS } = Limits;

/** The node's own entry, and the uplinks' programs. */
export function planFastNode(view: IntentView, emit: Emit): void {
  const { fastpath } = view;
  const hosts = view.localPorts.size > 0;
  if (view.usesNdpResponder && hosts) emitNode(view, emit);
  if (fastpath === undefined || (!hosts && !isNetworkNode(view))) return;
  emitNode(view, emit);
  if (!hosts) return;
  for (const device of view.config.uplinks) {
    emit('bpf-program', `${device} tcx`, { device, hook: 'tcx', program: 'uplink_tc', ...programUse(view) });
    // A network node has another program there.
    if (!fastpath.xdp.includes(device) || isNetworkNode(view)) continue;
    const optional = view.config.xdp !== 'always';
    const use = { ...programUse(view), ...(optional && { optional }) };
    emitXdp(emit, { device, hook: 'xdp', program: 'uplink_xdp', ...use });
  }
}

function emitNode(view: IntentView, emit: Emit): void {
  const { config, self, sidBlock, trusted, fastpath } = view;
  const { servicePrefix } = view.facts;
  const services = servicePrefix !== undefined && { servicePrefix };
  const hasTrusted = trusted.length > 0 && { hasTrusted: true as const };
  const uplinks = fastpath === undefined ? [] : config.uplinks;
  emit('bpf-node', 'node', { source: self.source, sidBlock, uplinks, ...hasTrusted, ...services });
  for (const prefix of trusted) emit('bpf-trusted', prefix, { prefix });
}

/** Plans an XDP program and the device features that must be off for it. */
export function emitXdp(emit: Emit, attachment: BpfAttachment & { hook: 'xdp' }, port?: { port: true }): void {
  const { device, optional } = attachment;
  for (const feature of TAG_FEATURES) {
    emit('device-feature', `${device} ${feature}`, { device, feature, ...(optional && { optional }), ...port });
  }
  emit('bpf-program', `${device} xdp`, attachment);
}

function checksSources({ config }: IntentView): boolean {
  return config.sourceCheck !== false;
}

/**
 * Plans an outer source from which encapsulated packets are accepted, independent of what this node plans of its sender. The node's own sources are
 * excluded: they never arrive over the wire, and packets to itself carry a mark.
 */
export function planFastSource(view: IntentView, source: string, emit: Emit): void {
  if (view.fastpath === undefined || !checksSources(view)) return;
  if (view.localPorts.size === 0 && !isNetworkNode(view)) return;
  const { source: own, acceptedSources = [] } = view.self;
  if (source !== own && !acceptedSources.includes(source)) emit('bpf-domain-source', source, { from: source });
}

/** Plans the next hops to another node: one route leads to all SIDs of a locator. */
export function planFastRemote(view: IntentView, node: IntentNode, emit: Emit): void {
  if (view.fastpath === undefined || node.name === view.config.node) return;
  emitUnderlay(view, node.locator, emit);
}

/** Plans the next hops to this node's own locator, for packets that its VMs send to it as a network node. */
export function planFastSelf(view: IntentView, emit: Emit): void {
  const { locator, source } = view.self;
  const destination = prefixAddress(locator);
  emit('bpf-underlay', locator, { destination, source, self: view.config.uplinks });
}

/** Plans the next hops to a path's first segment. */
export function planFastTransit(view: IntentView, segment: string, emit: Emit): void {
  if (view.fastpath === undefined) return;
  emitUnderlay(view, transitKey(segment), emit);
}

function emitUnderlay(view: IntentView, key: string, emit: Emit): void {
  const { mtu } = view.config;
  const destination = prefixAddress(key);
  emit('bpf-underlay', key, { destination, source: view.self.source, ...(mtu !== undefined && { mtu }) });
}

/** Plans a tenant's encapsulation towards another node: one for both families if the same SID serves both. */
export function planFastPair(view: IntentView, pair: RemoteSite, emit: Emit): void {
  if (view.fastpath === undefined || !isShort(view, pair.tenant, pair.node)) return;
  const tenant = view.tenant(pair.tenant);
  const transit = view.paths.transit(tenant.name, pair.node);
  const [first] = transit;
  const underlay = first === undefined ? view.node(pair.node).locator : transitKey(first);
  const sids = new Set(tenant.subnets.map(({ prefix }) => placeOf(view, pair, familyOf(prefix)).encap));
  // Spreading an empty array would allocate spare capacity in each of up to a million lists.
  for (const sid of sids) {
    emit('bpf-encap', sid, { segments: transit.length === 0 ? [sid] : [...transit, sid], underlay });
  }
}

/** Plans a VM on another node: its encapsulation, or an entry that leaves it to the kernel. */
export function planFastRemotePort(view: IntentView, pair: RemoteSite, port: Port, emit: Emit): void {
  if (view.fastpath === undefined) return;
  const known = isShort(view, port.tenant, port.node);
  const where = (to: string): BpfMember => {
    const place = placeOf(view, pair, familyOf(to));
    return known ? place : { tenant: place.tenant };
  };
  for (const to of port.addresses) {
    const place = where(to);
    emit('bpf-member', memberKey(place.tenant, to), place);
  }
  for (const to of port.prefixes) {
    const place = where(to);
    emit('bpf-prefix', memberKey(place.tenant, to), place);
  }
}

/** The value shared by all of a tenant's addresses of a family on another node. */
function placeOf(view: IntentView, pair: RemoteSite, family: 4 | 6): RemoteEndpoint {
  const slot = family === 4 ? 'endpoint4' : 'endpoint6';
  const known = pair.memo[slot];
  if (known !== undefined) return known;
  const tenant = view.tenant(pair.tenant);
  return (pair.memo[slot] = { tenant: tenant.id, encap: remoteSid(view, tenant, pair.node, family) });
}

/** Plans a VM on this node. */
export function planFastLocalPort(view: IntentView, port: Port, emit: Emit): void {
  if (view.usesNdpResponder) planResponder(view, port, emit);
  if (view.fastpath === undefined) return;
  const tenant = view.tenant(port.tenant);
  const { id } = tenant;
  const device = port.interface;
  emitPort(view, tenant, port, emit);
  const place: BpfMember = { tenant: id, device };
  for (const address of port.addresses) {
    emit('bpf-source', `${device} ${address}`, { device, from: address });
    emit('bpf-member', memberKey(id, address), place);
  }
  for (const prefix of port.prefixes) {
    emit('bpf-source-prefix', `${device} ${prefix}`, { device, from: prefix });
    // As for kernel routes, a prefix needs an address of the same family as its next hop.
    const reached = port.addresses.some((address) => familyOf(address) === familyOf(prefix));
    if (reached) emit('bpf-prefix', memberKey(id, prefix), place);
  }
  emit('bpf-program', `${device} tcx`, { device, hook: 'tcx', program: 'port_tc', ...programUse(view) });
  // Packets that XDP passes go to tcx; without XDP support all do.
  if (port.xdp !== true || view.config.xdp === 'never') return;
  const use = { ...programUse(view), optional: true } as const;
  emitXdp(emit, { device, hook: 'xdp', program: 'port_xdp', ...use }, { port: true });
}

/** Kernel mode: plans the NDP responder, which looks up addresses in the kernel's routes. */
function planResponder(view: IntentView, port: Port, emit: Emit): void {
  const device = port.interface;
  emitPort(view, view.tenant(port.tenant), port, emit);
  emit('bpf-program', `${device} tcx`, { device, hook: 'tcx', program: 'ndp_responder_tc' });
}

function emitPort(view: IntentView, tenant: Tenant, port: Port, emit: Emit): void {
  const gateway4 = gatewayOf(tenant, port, 4);
  const gateway6 = gatewayOf(tenant, port, 6);
  const checkedSources = checkedSourcesOf(tenant, port, [gateway4, gateway6]);
  emit('bpf-port', port.interface, {
    tenant: tenant.id,
    mac: port.mac,
    gatewayMac: gatewayMacOf(tenant),
    mtu: tenantMtu(view, tenant),
    dscp: tenant.dscp,
    ...(gateway4 !== undefined && { gateway4 }),
    ...(gateway6 !== undefined && { gateway6 }),
    ...(checkedSources !== 0 && { checkedSources }),
    ...(port.migrate !== undefined &&
      view.fastpath !== undefined && {
        migrates: port.migrate.from === undefined ? ('from-here' as const) : ('to-here' as const),
      }),
  });
}

/**
 * The filter of inner sources that must be looked up on arrival at a port. Packets from the destination itself or from the port's own gateways need
 * no lookup. Other candidates are gateways of other subnets, and the VM's other addresses of a family.
 */
function checkedSourcesOf({ subnets }: Tenant, port: Port, gateways: readonly (string | undefined)[]): number {
  if (port.prefixes.length > 0) return ALL_SOURCES;
  const others = subnets.flatMap(({ gateway }) => (gateways.includes(gateway) ? [] : [gateway]));
  const families = port.addresses.map(familyOf);
  const own = port.addresses.filter((_address, at) => families.filter((family) => family === families[at]).length > 1);
  return sourceFilter([...others, ...own]);
}

/** Plans a tenant's local SIDs, and the addresses of its gateways, for which this node answers. */
export function planFastTenant(view: IntentView, tenant: Tenant, emit: Emit): void {
  if (view.fastpath === undefined) return;
  for (const behaviour of localBehaviours(view)) {
    emit('bpf-sid', tenantSid(view.self.locator, behaviour, tenant.id), { tenant: tenant.id, behaviour });
  }
  const gateways = new Set(tenant.subnets.map(({ gateway }) => gateway));
  for (const to of gateways) emit('bpf-member', memberKey(tenant.id, to), { tenant: tenant.id, gateway: true });
}

/** The gateway of the port's subnet, or of the tenant's first subnet of that family. */
function gatewayOf({ subnets }: Tenant, { addresses }: Port, family: 4 | 6): string | undefined {
  const candidates = subnets.filter(({ prefix }) => familyOf(prefix) === family);
  const own = addresses.find((address) => familyOf(address) === family);
  const subnet = candidates.find(({ prefix }) => own !== undefined && prefixContains(prefix, hostPrefix(own)));
  return (subnet ?? candidates[0])?.gateway;
}

/** The use for which the node's programs are loaded. */
export function programUse(view: IntentView): Pick<BpfAttachment, keyof ProgramUse> {
  const { ebpfOnly: alone } = view;
  return {
    ...(alone && { alone }),
    ...(usesGateways(view) && { gateways: true }),
    ...(!checksSources(view) && { anySource: true }),
  };
}

function transitKey(segment: string): string {
  return `${segment}/128`;
}

/** Whether the segments of a tenant's path to a node fit into an entry. */
function isShort(view: IntentView, tenant: string, node: string): boolean {
  return view.paths.transit(tenant, node).length < MAX_SEGMENTS;
}
