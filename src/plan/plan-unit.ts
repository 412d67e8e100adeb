import {
  planFastLocalPort,
  planFastNode,
  planFastPair,
  planFastRemote,
  planFastRemotePort,
  planFastSource,
  planFastTenant,
  planFastTransit,
} from '../ebpf/plan.js';
import { planEdge, planEdgeSource } from '../edge/plan.js';
import { planPair, planRemotePort } from '../encap/plan.js';
import { planPolicies, planSteering, planZone } from '../gateway/plan.js';
import { planGatewayRoutes, planGatewayWays } from '../gateway/routes.js';
import { externalZone } from '../gateway/view.js';
import { planLocalPort, planLonePort, planProxies } from '../port/plan.js';
import { planLoneNode, planNode } from '../host/plan.js';
import { planTenant } from '../vrf/plan.js';
import type { ZoneName } from '../gateway/view.js';
import type { Steps } from '../reconcile/steps.js';
import type { Emit } from './plan.js';
import type { IntentView, RemoteSite } from './view.js';
import type { Port } from '../intent/types.js';

/**
 * The parts a plan is the union of. Every object has exactly one part that plans it, so a part can be planned again by
 * itself and the difference is the plan's difference.
 */
export type PlanUnit =
  | { kind: 'node' }
  | { kind: 'tenant'; key: string }
  | { kind: 'proxies'; key: string }
  /** Another node. */
  | { kind: 'remote'; key: string }
  /** A segment that paths begin with. */
  | { kind: 'transit'; key: string }
  | { kind: 'pair'; tenant: string; node: string }
  | { kind: 'port'; key: string }
  /** An outer source of the domain. */
  | { kind: 'source'; key: string }
  /** A tenant or an external network, as gateways have it. */
  | { kind: 'zone'; key: ZoneName }
  /** Policies from one zone to another. */
  | { kind: 'policies'; from: ZoneName; to: ZoneName };

/** Plans one part; what is not in the view plans nothing. */
export function planUnit(view: IntentView, unit: PlanUnit, emit: Emit): void {
  switch (unit.kind) {
    case 'node':
      if (view.ebpfOnly) planLoneNode(view, emit);
      else planNode(view, emit);
      planEdge(view, emit);
      planFastNode(view, emit);
      planSteering(view, emit);
      return;
    case 'tenant': {
      // A tenant without a port here has nothing to decapsulate for.
      const tenant = view.tenants.get(unit.key);
      if (tenant === undefined || !view.localPorts.has(tenant.name)) return;
      if (!view.ebpfOnly) planTenant(view, tenant, emit);
      planFastTenant(view, tenant, emit);
      return;
    }
    case 'proxies':
      if (!view.ebpfOnly) planProxies(view, unit.key, emit);
      return;
    case 'remote': {
      const node = view.nodes.get(unit.key);
      if (node !== undefined) planFastRemote(view, node, emit);
      return;
    }
    case 'transit':
      if (view.isFirstSegment(unit.key)) planFastTransit(view, unit.key, emit);
      return;
    case 'pair': {
      const pair = view.pair(unit.tenant, unit.node);
      if (pair !== undefined) planBoth(view, pair, emit);
      return;
    }
    case 'zone': {
      const tenant = view.tenants.get(unit.key);
      planZone(view, unit.key, emit);
      if (tenant === undefined) return;
      planGatewayRoutes(view, tenant, emit);
      planGatewayWays(view, tenant, emit);
      return;
    }
    case 'source':
      if (view.sources.has(unit.key)) planSource(view, unit.key, emit);
      return;
    case 'policies':
      planPolicies(view, unit.from, unit.to, emit);
      return;
    case 'port': {
      const port = view.ports.get(unit.key);
      if (port !== undefined) planPort(view, port, emit);
    }
  }
}

/** What an address is trusted by as the outer source of what arrives. */
function planSource(view: IntentView, source: string, emit: Emit): void {
  planEdgeSource(view, source, emit);
  planFastSource(view, source, emit);
}

function planPort(view: IntentView, port: Port, emit: Emit): void {
  if (view.isLocal(port)) {
    if (view.ebpfOnly) planLonePort(view, port, emit);
    else planLocalPort(view, port, emit);
    planFastLocalPort(view, port, emit);
  } else {
    const hosted = view.localPorts.has(port.tenant);
    if (!hosted && !view.decidesFor(port.tenant)) return;
    const pair = view.pair(port.tenant, port.node);
    if (pair === undefined) throw new Error(`plan: no ports of ${port.tenant} on ${port.node}`);
    if (hosted && !view.ebpfOnly) planRemotePort(view, pair, port, emit);
    planFastRemotePort(view, pair, port, emit);
  }
}

function planBoth(view: IntentView, pair: RemoteSite, emit: Emit): void {
  const hosted = view.localPorts.has(pair.tenant);
  if (hosted && !view.ebpfOnly) planPair(view, pair, emit);
  // A network node needs to know where its tenants' VMs are, but has no VRFs of them.
  if (hosted || view.decidesFor(pair.tenant)) planFastPair(view, pair, emit);
}

/** Plans all parts. */
export function* planSteps(view: IntentView, emit: Emit): Steps<void> {
  planUnit(view, { kind: 'node' }, emit);
  for (const key of view.tenants.keys()) {
    planUnit(view, { kind: 'tenant', key }, emit);
    planUnit(view, { kind: 'proxies', key }, emit);
    yield;
  }
  for (const key of view.nodes.keys()) {
    planUnit(view, { kind: 'remote', key }, emit);
    yield;
  }
  for (const key of view.firstSegments()) planUnit(view, { kind: 'transit', key }, emit);
  for (const key of view.sources) {
    planSource(view, key, emit);
    yield;
  }
  for (const pair of view.pairs()) {
    planBoth(view, pair, emit);
    yield;
  }
  for (const port of view.ports.values()) {
    planPort(view, port, emit);
    yield;
  }
  for (const { tenants } of view.steering.gateways.values()) {
    for (const key of tenants) {
      planUnit(view, { kind: 'zone', key }, emit);
      yield;
    }
  }
  for (const name of view.steering.externals.keys()) planUnit(view, { kind: 'zone', key: externalZone(name) }, emit);
  for (const [from, to] of view.steering.pairs()) {
    planUnit(view, { kind: 'policies', from, to }, emit);
    yield;
  }
}
