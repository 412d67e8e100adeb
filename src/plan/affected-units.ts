import { isIPv6 } from 'node:net';
import { MAX_SEGMENTS } from '../ebpf/plan.js';
import { externalZone, zoneOf } from '../gateway/view.js';
import { equalValues } from './equal.js';
import type { PlanUnit } from './plan-unit.js';
import type { IntentView } from './view.js';
import type { IntentChange, IntentNode, Path, Port } from '../intent/types.js';

/** Parts by a name of their own, so that each is planned again once. */
export type Entities = Map<string, PlanUnit>;

/**
 * The parts of the plan that changes may alter, before or after them.
 *
 * @param view as it is before the changes
 * @returns `all` when nothing can be left out: the block or this node itself changed
 */
export function affectedUnits(view: IntentView, changes: readonly IntentChange[]): Entities | 'all' {
  const touched: Entities = new Map();
  const add = (unit: PlanUnit): void => {
    touched.set(nameOf(unit), unit);
  };
  const hosted = new Map<string, number>();

  for (const change of changes) {
    switch (change.kind) {
      case 'block':
      case 'trusted':
        return 'all';
      case 'source':
        add({ kind: 'source', key: change.key });
        break;
      case 'node':
        if (isDrain(change)) {
          addDrain(view, change.key, add);
          break;
        }
        if (change.key === view.config.node || view.steering.isNetworkNode(change.key)) return 'all';
        add({ kind: 'remote', key: change.key });
        addWhere(view, add, (_tenant, node) => node === change.key);
        addLocalPorts(view, add);
        break;
      case 'gateway':
      case 'external':
        return 'all';
      case 'policy':
        for (const policy of [change.before, change.after]) {
          if (policy === undefined) continue;
          const [from, to] = [zoneOf(policy.from), zoneOf(policy.to)];
          add({ kind: 'policies', from, to });
          for (const key of [from, to]) add({ kind: 'zone', key });
        }
        break;
      case 'path':
        for (const { tenant, node } of view.pairs()) {
          if (node === (change.after ?? change.before)?.to) add({ kind: 'pair', tenant, node });
        }
        for (const path of [change.before, change.after]) {
          const [first] = path?.via ?? [];
          if (first !== undefined) add({ kind: 'transit', key: first });
        }
        // Beyond what an entry holds, members are the kernel's alone.
        addPortsOfLongPaths(view, change, add);
        // The longest encapsulation decides the tenants' MTU.
        addLocalPorts(view, add);
        // Those to network nodes are in the routes of all their tenants.
        if (view.isNetworkNode || view.steering.isNetworkNode((change.after ?? change.before)?.to ?? '')) return 'all';
        break;
      case 'tenant':
        addZones(view, change.key, add);
        for (const peer of view.steering.peersOf(change.key)) {
          add({ kind: 'policies', from: change.key, to: peer });
          add({ kind: 'policies', from: peer, to: change.key });
        }
        add({ kind: 'tenant', key: change.key });
        add({ kind: 'proxies', key: change.key });
        addWhere(view, add, (tenant) => tenant === change.key);
        for (const name of view.localPorts.get(change.key)?.keys() ?? []) add({ kind: 'port', key: name });
        break;
      case 'port':
        add({ kind: 'port', key: change.key });
        for (const port of [change.before, change.after]) {
          // Where a tenant has ports on a network node, its encapsulation to there is the ports'.
          if (port !== undefined && view.steering.isNetworkNode(port.node)) add({ kind: 'zone', key: port.tenant });
          if (port !== undefined && port.prefixes.length > 0) addZones(view, port.tenant, add);
        }
        if (change.before !== undefined) addPort(view, change.before, -1, hosted, add);
        if (change.after !== undefined) addPort(view, change.after, +1, hosted, add);
        break;
    }
  }

  const turned = new Set<string>();
  for (const [tenant, delta] of hosted) {
    const before = view.localPorts.get(tenant)?.size ?? 0;
    if (before > 0 !== before + delta > 0) turned.add(tenant);
  }
  if (turned.size > 0) {
    addWhere(view, add, (tenant) => turned.has(tenant));
    for (const key of turned) add({ kind: 'zone', key });
    // Outer sources are of interest from the first tenant on.
    const more = [...turned].filter((tenant) => !view.localPorts.has(tenant)).length;
    const hosts = view.localPorts.size + 2 * more - turned.size;
    if (hosts === 0 || view.localPorts.size === 0) for (const key of view.sources) add({ kind: 'source', key });
    // The node itself has settings that only VRFs need, and its programs are others where a hosted tenant has a gateway.
    add({ kind: 'node' });
    if ([...turned].some((tenant) => view.steering.gatewayOf(tenant) !== undefined)) {
      addLocalPorts(view, add);
      for (const name of view.steering.externals.keys()) add({ kind: 'zone', key: externalZone(name) });
    }
  }
  return touched;
}

function nameOf(unit: PlanUnit): string {
  switch (unit.kind) {
    case 'node':
      return 'node';
    case 'pair':
      return `pair ${unit.tenant} ${unit.node}`;
    case 'tenant':
    case 'proxies':
    case 'remote':
    case 'transit':
    case 'port':
    case 'source':
    case 'zone':
      return `${unit.kind} ${unit.key}`;
    case 'policies':
      return `policies ${unit.from} to ${unit.to}`;
  }
}

/** Whether a node changes in nothing but that it drains, or does no more. */
function isDrain({ before, after }: { before?: IntentNode; after?: IntentNode }): boolean {
  if (before === undefined || after === undefined) return false;
  return equalValues({ ...before, drain: undefined }, { ...after, drain: undefined });
}

/** Tables of gateways, and the routes of their tenants. */
function addDrain(view: IntentView, node: string, add: (unit: PlanUnit) => void): void {
  add({ kind: 'node' });
  addZonesOf(view, node, add);
}

function addZonesOf(view: IntentView, node: string, add: (unit: PlanUnit) => void): void {
  for (const { nodes, tenants } of view.steering.gateways.values()) {
    if (nodes.includes(node)) for (const key of tenants) add({ kind: 'zone', key });
  }
}

/** The parts of the plan that are others when the underlay loses or finds its ways to network nodes. */
export function unitsOfReachability(view: IntentView, nodes: Iterable<string>): Entities {
  const touched: Entities = new Map();
  for (const node of nodes) {
    addZonesOf(view, node, (unit) => {
      touched.set(nameOf(unit), unit);
    });
  }
  return touched;
}

function addPort(
  view: IntentView,
  port: Port,
  sign: 1 | -1,
  hosted: Map<string, number>,
  add: (unit: PlanUnit) => void,
): void {
  if (view.isLocal(port)) {
    add({ kind: 'tenant', key: port.tenant });
    hosted.set(port.tenant, (hosted.get(port.tenant) ?? 0) + sign);
  } else {
    add({ kind: 'pair', tenant: port.tenant, node: port.node });
  }
  if (view.isLocal(port) || port.addresses.some((address) => isIPv6(address))) {
    add({ kind: 'proxies', key: port.tenant });
  }
}

/** A tenant and all that it talks to: each has routes to the others' prefixes. */
function addZones(view: IntentView, tenant: string, add: (unit: PlanUnit) => void): void {
  for (const key of [tenant, ...view.steering.peersOf(tenant)]) add({ kind: 'zone', key });
}

/** Remote ports, and pairs, of the tenants and nodes asked for: a scan, for changes that touch many of them anyway. */
function addWhere(
  view: IntentView,
  add: (unit: PlanUnit) => void,
  wanted: (tenant: string, node: string) => boolean,
): void {
  for (const { tenant, node } of view.pairs()) {
    if (wanted(tenant, node)) add({ kind: 'pair', tenant, node });
  }
  for (const port of view.ports.values()) {
    if (!view.isLocal(port) && wanted(port.tenant, port.node)) add({ kind: 'port', key: port.name });
  }
}

/** Ports on a path's node, where a path to it is or was one that the fast path cannot hold. */
function addPortsOfLongPaths(
  view: IntentView,
  { before, after }: { before?: Path; after?: Path },
  add: (unit: PlanUnit) => void,
): void {
  const node = (after ?? before)?.to ?? '';
  if (![before, after, ...view.pathsTo(node)].some(isLong)) return;
  for (const port of view.ports.values()) {
    if (port.node === node && !view.isLocal(port)) add({ kind: 'port', key: port.name });
  }
}

function isLong(path: Path | undefined): boolean {
  return path !== undefined && path.via.length >= MAX_SEGMENTS;
}

function addLocalPorts(view: IntentView, add: (unit: PlanUnit) => void): void {
  for (const ports of view.localPorts.values()) {
    for (const key of ports.keys()) add({ kind: 'port', key });
  }
}
