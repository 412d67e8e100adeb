/** Units of the plan for gateways and policies, and how changes of the intent affect them. */
import { MAX_SEGMENTS } from '../ebpf/plan.js';
import { nodesOf } from '../intent/migration.js';
import { addLocalPorts, differsOnlyIn } from '../plan/affected-units.js';
import { equalValues } from '../plan/equal.js';
import { NODE } from '../plan/units.js';
import { planPolicies, planZone } from './plan.js';
import { planGatewayRoutes, planGatewayWays } from './routes.js';
import { externalZone, zoneOf } from './view.js';
import { isNetworkNode } from './zones.js';
import type { AffectedUnits, PlanFeature } from '../plan/feature.js';
import type { UnitClass, UnitSet } from '../plan/units.js';
import type { IntentView, NodeFacts } from '../plan/view.js';
import type { ZoneName } from './view.js';

/** A tenant or an external network of a gateway; key: a `ZoneName`. */
export const ZONE: UnitClass = {
  name: 'zone',
  *keys({ steering }) {
    for (const { tenants } of steering.gateways.values()) yield* tenants;
    for (const name of steering.externals.keys()) yield externalZone(name);
  },
  plan(view, key, emit) {
    const tenant = view.tenants.get(key);
    planZone(view, key, emit);
    if (tenant === undefined) return;
    planGatewayRoutes(view, tenant, emit);
    planGatewayWays(view, tenant, emit);
  },
};

/** Names of zones may contain a space. */
const POLICIES_SEPARATOR = ' to ';

/** Policies from one zone to another; key: `<zone> to <zone>`. */
export const POLICIES: UnitClass = {
  name: 'policies',
  *keys({ steering }) {
    for (const [from, to] of steering.pairs()) yield policiesKey(from, to);
  },
  plan(view, key, emit) {
    const [from = '', to = ''] = key.split(POLICIES_SEPARATOR);
    planPolicies(view, from, to, emit);
  },
};

function policiesKey(from: ZoneName, to: ZoneName): string {
  return `${from}${POLICIES_SEPARATOR}${to}`;
}

const DRAIN: ReadonlySet<string> = new Set(['drain']);

export const affected = {
  /** Draining changes the tables of gateways and the routes of their tenants. */
  node(view, change, to) {
    if (differsOnlyIn(change, DRAIN)) {
      to.units.add(NODE);
      addZonesOf(view, change.key, to.units);
    } else if (view.steering.isNetworkNode(change.key)) to.all();
  },
  gateway(_view, _change, to) {
    to.all();
  },
  external(_view, _change, to) {
    to.all();
  },
  policy(_view, { before, after }, { units }) {
    for (const policy of [before, after]) {
      if (policy === undefined) continue;
      const [from, to] = [zoneOf(policy.from), zoneOf(policy.to)];
      units.add(POLICIES, policiesKey(from, to));
      for (const key of [from, to]) units.add(ZONE, key);
    }
  },
  /** Paths to network nodes affect the routes of all their tenants. */
  path(view, { before, after }, to) {
    if (isNetworkNode(view) || view.steering.isNetworkNode((after ?? before)?.to ?? '')) to.all();
  },
  tenant(view, { key }, { units }) {
    addZones(view, key, units);
    for (const peer of view.steering.peersOf(key)) {
      units.add(POLICIES, policiesKey(key, peer));
      units.add(POLICIES, policiesKey(peer, key));
    }
  },
  port(view, { before, after }, { units }) {
    for (const port of [before, after]) {
      // If a tenant has ports on a network node, these plan its encapsulation to that node.
      if (port !== undefined && nodesOf(port).some((node) => view.steering.isNetworkNode(node)))
        units.add(ZONE, port.tenant);
      if (port !== undefined && port.prefixes.length > 0) addZones(view, port.tenant, units);
    }
  },
} satisfies PlanFeature['affected'];

/** The node's programs depend on whether a hosted tenant has a gateway. */
export function affectedByHosting(view: IntentView, turned: ReadonlySet<string>, { units }: AffectedUnits): void {
  for (const key of turned) units.add(ZONE, key);
  if (![...turned].some((tenant) => view.steering.gatewayOf(tenant) !== undefined)) return;
  addLocalPorts(view, units);
  for (const name of view.steering.externals.keys()) units.add(ZONE, externalZone(name));
}

/** Network nodes that became reachable or unreachable. */
export function affectedByFacts(view: IntentView, facts: NodeFacts, { units }: AffectedUnits): boolean {
  const before = view.facts.unreachableNodes;
  const lost = facts.unreachableNodes;
  if (lost === undefined || !equalValues({ ...facts, unreachableNodes: before }, view.facts)) return false;
  const known = before ?? [];
  const turned = [...lost.filter((name) => !known.includes(name)), ...known.filter((name) => !lost.includes(name))];
  for (const name of turned) addZonesOf(view, name, units);
  return true;
}

/** Adds the tenants of all gateways of a node. */
function addZonesOf(view: IntentView, node: string, units: UnitSet): void {
  for (const { nodes, tenants } of view.steering.gateways.values()) {
    if (nodes.includes(node)) for (const key of tenants) units.add(ZONE, key);
  }
}

/** Adds a tenant and its peers: each has routes to the others' prefixes. */
function addZones(view: IntentView, tenant: string, units: UnitSet): void {
  for (const key of [tenant, ...view.steering.peersOf(tenant)]) units.add(ZONE, key);
}

/** Warns of paths to network nodes that are too long for an entry while there is no kernel data plane: the tenant's flows may use any of them. */
export function* gatewayWarnings(view: IntentView): Generator<string> {
  if (!view.ebpfOnly) return;
  for (const tenant of view.localPorts.keys()) {
    for (const node of view.steering.gatewayOf(tenant)?.nodes ?? []) {
      const segments = 1 + view.paths.transit(tenant, node).length;
      if (node === view.config.node || segments <= MAX_SEGMENTS) continue;
      yield (
        `tenant ${tenant}: the path to network node ${node} has ${segments} segments, the fast path takes at most ${MAX_SEGMENTS}: ` +
        'packets that leave the tenant are dropped (with dataplane hybrid the kernel forwards them)'
      );
    }
  }
}
