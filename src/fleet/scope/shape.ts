/** Which parts of an intent concern a node, by names alone; src/intent/scope.ts says the same of a whole intent. */
import type { External, Gateway, Policy } from '../../intent/types.js';
import type { IntentIndex } from '../intent-index.js';

export interface Shape {
  /** Tenants that the node hosts or steers: it keeps all of their ports. */
  near: ReadonlySet<string>;
  /** Tenants that these talk to: it keeps their ports with prefixes. */
  peers: ReadonlySet<string>;
  /** How many reasons there are to keep a node, by its name. */
  nodes: Map<string, number>;
  /** By key: gateways with those of their tenants that concern the node, external networks, policies. */
  steering: Map<string, Gateway | External | Policy>;
}

/** Costs what the node's part of the intent costs without its ports. */
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
