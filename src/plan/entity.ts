import { planPair, planRemotePort } from '../encap/plan.js';
import { planLocalPort, planProxies } from '../port/plan.js';
import { planNode } from '../underlay/plan.js';
import { planTenant } from '../vrf/plan.js';
import type { Emit } from './plan.js';
import type { IntentView } from './view.js';
import type { Port } from '../intent/types.js';

/**
 * The parts a plan is the union of. Every object has exactly one part that plans it, so a part can be planned again by
 * itself and the difference is the plan's difference.
 */
export type Entity =
  | { kind: 'node' }
  | { kind: 'tenant'; key: string }
  | { kind: 'proxies'; key: string }
  | { kind: 'pair'; tenant: string; node: string }
  | { kind: 'port'; key: string };

/** Plans one part; what is not in the view plans nothing. */
export function planEntity(view: IntentView, entity: Entity, emit: Emit): void {
  switch (entity.kind) {
    case 'node':
      planNode(view, emit);
      return;
    case 'tenant': {
      // A tenant without a port here has nothing to decapsulate for.
      const tenant = view.tenants.get(entity.key);
      if (tenant !== undefined && view.localPorts.has(tenant.name)) planTenant(view, tenant, emit);
      return;
    }
    case 'proxies':
      planProxies(view, entity.key, emit);
      return;
    case 'pair': {
      const pair = view.pair(entity.tenant, entity.node);
      if (pair !== undefined && view.localPorts.has(pair.tenant)) planPair(view, pair, emit);
      return;
    }
    case 'port': {
      const port = view.ports.get(entity.key);
      if (port !== undefined) planPort(view, port, emit);
    }
  }
}

function planPort(view: IntentView, port: Port, emit: Emit): void {
  if (view.isLocal(port)) planLocalPort(view, port, emit);
  else if (view.localPorts.has(port.tenant)) planRemotePort(view, port, emit);
}

/** Plans all parts. */
export function planEntities(view: IntentView, emit: Emit): void {
  planEntity(view, { kind: 'node' }, emit);
  for (const key of view.tenants.keys()) {
    planEntity(view, { kind: 'tenant', key }, emit);
    planEntity(view, { kind: 'proxies', key }, emit);
  }
  for (const pair of view.pairs()) {
    if (view.localPorts.has(pair.tenant)) planPair(view, pair, emit);
  }
  for (const port of view.ports.values()) planPort(view, port, emit);
}
