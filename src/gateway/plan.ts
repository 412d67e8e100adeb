/** What a network node holds: who its zones are, where they are, what may go between them. Nothing without the fast path. */
import { memberKey } from '../ebpf/member-key.js';
import { tenantSid } from '../encap/sid.js';
import { planGatewayEncaps } from './routes.js';
import { compilePolicySet } from './policy-set.js';
import { reachOf } from './reach.js';
import { externalOf } from './view.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';

/** Connections of all zones of a node together, and of one at least and at most: LRU tables are allocated whole. */
const CONNECTIONS = 1 << 20;
const MIN_CONNECTIONS = 4096;
const MAX_CONNECTIONS = 16_384;

/** The network nodes of the node's gateways, and the node as one of them. */
export function planSteering(view: IntentView, emit: Emit): void {
  const { steering } = view;
  if (!view.isNetworkNode) return;
  const { node: self } = view.config;
  const own = steering.nodeNumbers.get(self);
  emit('steer-node', 'node', own === undefined ? {} : { self: own });
  for (const [name, number] of steering.nodeNumbers) {
    const { source, locator } = view.node(name);
    emit('steer-network-node', name, { number, source, ...(name !== self && { underlay: locator }) });
  }
  for (const [name, number] of steering.gatewayNumbers) {
    const all = steering.gateways.get(name)?.nodes ?? [];
    const active = all.filter((node) => view.node(node).drain !== true);
    emit('steer-maglev', name, { number, active, all });
  }
  for (const device of view.config.uplinks) {
    emit('bpf-program', `${device} xdp`, { device, hook: 'xdp', program: 'steer_xdp' });
  }
}

/** One zone of this network node: where its packets come in, whose addresses they may be for. */
export function planZone(view: IntentView, zone: ZoneName, emit: Emit): void {
  const { steering } = view;
  const gateway = steering.gatewayOfZone(zone);
  const id = zoneId(view, zone);
  if (!view.decidesFor(zone) || gateway === undefined || id === undefined) return;
  const number = steering.gatewayNumbers.get(gateway.name) ?? 0;
  emit('steer-zone', String(id), { zone: id, connections: connectionsOf(gateway.tenants.length) });
  for (const { peer, prefix } of reachOf(view, zone)) {
    const to = zoneId(view, peer);
    if (to !== undefined) emit('steer-route', memberKey(id, prefix), { from: id, to, gateway: number });
  }
  const external = steering.externals.get(externalOf(zone) ?? '');
  if (external === undefined) {
    for (const behaviour of view.localBehaviours()) {
      emit('steer-sid', tenantSid(view.self.locator, behaviour, id), { zone: id, gateway: number });
    }
    planGatewayEncaps(view, view.tenant(zone), emit);
    return;
  }
  const device = external.interface;
  for (const prefix of external.prefixes) {
    emit('steer-external', `${device} ${prefix}`, { zone: id, gateway: number, device });
    emit('bpf-prefix', memberKey(id, prefix), { tenant: id, external: device });
  }
}

/** The policies from one zone to another. */
export function planPolicies(view: IntentView, from: ZoneName, to: ZoneName, emit: Emit): void {
  const policies = view.steering.policiesOf(from, to);
  const [fromId, toId] = [zoneId(view, from), zoneId(view, to)];
  if (policies.length === 0 || fromId === undefined || toId === undefined) return;
  if (view.decidesFor(from)) emit('steer-policies', `${fromId} ${toId}`, compilePolicySet(policies));
}

/** Number of a zone: a tenant's id; undefined: there is no such zone. */
export function zoneId(view: IntentView, zone: ZoneName): number | undefined {
  const external = externalOf(zone);
  if (external === undefined) return view.tenants.get(zone)?.id;
  return view.steering.externals.has(external) ? view.steering.externalZoneId(external) : undefined;
}

function connectionsOf(zones: number): number {
  return Math.min(MAX_CONNECTIONS, Math.max(MIN_CONNECTIONS, 2 ** Math.floor(Math.log2(CONNECTIONS / zones))));
}
