/** The parts of an intent that are relevant to a node, by name. src/intent/scope.ts does the same for a whole intent. */
import type { IntentIndex } from '../intent-index.js';
import type { External, Gateway, Policy } from '../../gateway/types.js';

export interface Shape {
  /** Tenants that the node hosts or serves as a network node: it keeps all of their ports. */
  near: ReadonlySet<string>;
  /** Peers of these tenants, of which it keeps the ports with prefixes. */
  peers: ReadonlySet<string>;
  /** Number of reasons to keep a node, by its name. */
  nodes: Map<string, number>;
  /** By key: gateways with only the relevant tenants, external networks, policies. */
  steering: Map<string, Gateway | External | Policy>;
}

/** The cost is that of the node's part of the intent without ports. */
export function shapeOf(index: IntentIndex, node: string): Shape {
  const near = new Set(index.tenantsOn.of(node).keys());
  for (const { tenants } of index.gatewaysOn.of(node).values()) for (const tenant of tenants) near.add(tenant);
  const peers = new Set<string>();
  const steering: Shape['steering'] = new Map();
  for (const tenant of near) {
    for (const policy of index.policiesOf.of(`tenant ${tenant}`).values()) {
      steering.set(`policy/${policy.name}`, policy);
      for (const end of [policy.from, policy.to]) if ('tenant' in end && !near.has(end.tenant)) peers.add(end.tenant);
    }
  }
  const nodes = new Map([[node, 1]]);
  const keep = (name: string): void => {
    nodes.set(name, (nodes.get(name) ?? 0) + 1);
  };
  const isKnown = (tenant: string): boolean => near.has(tenant) || peers.has(tenant);
  for (const tenant of [...near, ...peers]) {
    for (const gateway of index.gatewaysOf.of(tenant).values()) {
      const key = `gateway/${gateway.name}`;
      if (steering.has(key)) continue;
      const tenants = gateway.tenants.filter(isKnown);
      steering.set(key, tenants.length === gateway.tenants.length ? gateway : { ...gateway, tenants });
      for (const name of gateway.nodes) keep(name);
      for (const external of index.externalsOf.of(gateway.name).values())
        steering.set(`external/${external.name}`, external);
    }
  }
  for (const tenant of near) for (const name of index.nodesOf.of(tenant).keys()) keep(name);
  for (const tenant of peers) for (const name of index.routedNodesOf.of(tenant).keys()) keep(name);
  return { near, peers, nodes, steering };
}
