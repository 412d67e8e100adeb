import {
  planFastLocalPort,
  planFastNode,
  planFastPair,
  planFastRemote,
  planFastRemotePort,
  planFastTenant,
  planFastTransit,
} from '../ebpf/plan.js';
import { planPair, planRemotePort } from '../encap/plan.js';
import { planLocalPort, planLonePort, planProxies } from '../port/plan.js';
import { planLoneNode, planNode } from '../underlay/plan.js';
import { planTenant } from '../vrf/plan.js';
import type { Emit } from './plan.js';
import type { IntentView, RemotePair } from './view.js';
import type { Port } from '../intent/types.js';

/**
 * The parts a plan is the union of. Every object has exactly one part that plans it, so a part can be planned again by
 * itself and the difference is the plan's difference.
 */
export type Entity =
  | { kind: 'node' }
  | { kind: 'tenant'; key: string }
  | { kind: 'proxies'; key: string }
  /** Another node. */
  | { kind: 'remote'; key: string }
  /** A segment that paths begin with. */
  | { kind: 'transit'; key: string }
  | { kind: 'pair'; tenant: string; node: string }
  | { kind: 'port'; key: string };

/** Plans one part; what is not in the view plans nothing. */
export function planEntity(view: IntentView, entity: Entity, emit: Emit): void {
  switch (entity.kind) {
    case 'node':
      if (view.alone) planLoneNode(view, emit);
      else planNode(view, emit);
      planFastNode(view, emit);
      return;
    case 'tenant': {
      // A tenant without a port here has nothing to decapsulate for.
      const tenant = view.tenants.get(entity.key);
      if (tenant === undefined || !view.localPorts.has(tenant.name)) return;
      if (!view.alone) planTenant(view, tenant, emit);
      planFastTenant(view, tenant, emit);
      return;
    }
    case 'proxies':
      if (!view.alone) planProxies(view, entity.key, emit);
      return;
    case 'remote': {
      const node = view.nodes.get(entity.key);
      if (node !== undefined) planFastRemote(view, node, emit);
      return;
    }
    case 'transit':
      if (view.isFirstSegment(entity.key)) planFastTransit(view, entity.key, emit);
      return;
    case 'pair': {
      const pair = view.pair(entity.tenant, entity.node);
      if (pair !== undefined && view.localPorts.has(pair.tenant)) planBoth(view, pair, emit);
      return;
    }
    case 'port': {
      const port = view.ports.get(entity.key);
      if (port !== undefined) planPort(view, port, emit);
    }
  }
}

function planPort(view: IntentView, port: Port, emit: Emit): void {
  if (view.isLocal(port)) {
    if (view.alone) planLonePort(view, port, emit);
    else planLocalPort(view, port, emit);
    planFastLocalPort(view, port, emit);
  } else if (view.localPorts.has(port.tenant)) {
    if (!view.alone) planRemotePort(view, port, emit);
    planFastRemotePort(view, port, emit);
  }
}

function planBoth(view: IntentView, pair: RemotePair, emit: Emit): void {
  if (!view.alone) planPair(view, pair, emit);
  planFastPair(view, pair, emit);
}

/** Plans all parts. */
export function planEntities(view: IntentView, emit: Emit): void {
  planEntity(view, { kind: 'node' }, emit);
  for (const key of view.tenants.keys()) {
    planEntity(view, { kind: 'tenant', key }, emit);
    planEntity(view, { kind: 'proxies', key }, emit);
  }
  for (const key of view.nodes.keys()) planEntity(view, { kind: 'remote', key }, emit);
  for (const key of view.firstSegments()) planEntity(view, { kind: 'transit', key }, emit);
  for (const pair of view.pairs()) {
    if (view.localPorts.has(pair.tenant)) planBoth(view, pair, emit);
  }
  for (const port of view.ports.values()) planPort(view, port, emit);
}
