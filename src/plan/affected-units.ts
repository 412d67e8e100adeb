import { equalValues } from './equal.js';
import { NODE, PAIR, PORT, REMOTE, SOURCE, TENANT, pairKey, UnitSet } from './units.js';
import type { AffectedUnits, ChangeOf, PlanFeature } from './feature.js';
import type { IntentView, RemoteSite } from './view.js';
import type { IntentChange, IntentNode, Port } from '../intent/types.js';
import type { Steps } from '../reconcile/steps.js';

/** Collects affected units, unless a feature requests all. */
export class Affected implements AffectedUnits {
  readonly units = new UnitSet();
  isAll = false;

  all(): void {
    this.isAll = true;
  }
}

/**
 * The units of the plan that changes may alter. May be suspended: a tenant with a million ports may be affected as a whole.
 *
 * @param view the view before the changes; must not change meanwhile
 * @returns `all` if the block or this node itself changed, or no feature handles this kind of change
 */
export function* affectedSteps(
  view: IntentView,
  changes: readonly IntentChange[],
  features: readonly PlanFeature[],
): Steps<UnitSet | 'all'> {
  const affected = new Affected();
  const hosted = new Map<string, number>();
  const ownKeys = new Set(features.flatMap(({ ownNodeKeys = [] }) => ownNodeKeys));
  for (const change of changes) {
    let isKnown = yield* addBasics(view, change, ownKeys, hosted, affected);
    for (const { affected: byKind } of features) {
      const add = byKind?.[change.kind] as
        ((view: IntentView, change: IntentChange, to: AffectedUnits) => void) | undefined;
      if (add === undefined) continue;
      isKnown = true;
      add(view, change, affected);
    }
    if (!isKnown || affected.isAll) return 'all';
    yield;
  }

  const turned = new Set<string>();
  for (const [tenant, delta] of hosted) {
    const before = view.localPorts.get(tenant)?.size ?? 0;
    if (before > 0 !== before + delta > 0) turned.add(tenant);
  }
  if (turned.size > 0) {
    yield* addHosting(view, turned, affected.units);
    for (const feature of features) feature.affectedByHosting?.(view, turned, affected);
  }
  return affected.isAll ? 'all' : affected.units;
}

/**
 * Adds units that exist for every intent.
 *
 * @param hosted incremented by each tenant's new ports on this node
 * @returns false if only features handle this kind of change
 */
function* addBasics(
  view: IntentView,
  change: IntentChange,
  ownKeys: ReadonlySet<string>,
  hosted: Map<string, number>,
  affected: Affected,
): Steps<boolean> {
  const { units } = affected;
  if (change.kind === 'block' || change.kind === 'trusted') affected.all();
  else if (change.kind === 'source') units.add(SOURCE, change.key);
  else if (change.kind === 'node') yield* addNode(view, change, ownKeys, affected);
  else if (change.kind === 'tenant') {
    units.add(TENANT, change.key);
    yield* addSites(view, units, view.pairsOf(change.key), (port) => port.tenant === change.key);
    for (const name of view.localPorts.get(change.key)?.keys() ?? []) units.add(PORT, name);
  } else if (change.kind === 'port') {
    units.add(PORT, change.key);
    if (change.before !== undefined) addPort(view, change.before, -1, hosted, units);
    if (change.after !== undefined) addPort(view, change.after, +1, hosted, units);
  } else return false;
  return true;
}

function* addNode(
  view: IntentView,
  change: ChangeOf<'node'>,
  ownKeys: ReadonlySet<string>,
  affected: Affected,
): Steps<void> {
  if (differsOnlyIn(change, ownKeys)) return;
  if (change.key === view.config.node) {
    affected.all();
    return;
  }
  affected.units.add(REMOTE, change.key);
  const sites = [...view.pairs()].filter(({ node }) => node === change.key);
  yield* addSites(view, affected.units, sites, (port) => port.node === change.key);
  addLocalPorts(view, affected.units);
}

/** Whether a node changed only in keys that a single feature plans by. */
export function differsOnlyIn({ before, after }: ChangeOf<'node'>, keys: ReadonlySet<string>): boolean {
  if (before === undefined || after === undefined) return false;
  const without = (node: IntentNode): object =>
    Object.fromEntries(Object.entries(node).filter(([key]) => !keys.has(key)));
  return equalValues(without(before), without(after));
}

function addPort(view: IntentView, port: Port, sign: 1 | -1, hosted: Map<string, number>, units: UnitSet): void {
  if (view.isLocal(port)) {
    units.add(TENANT, port.tenant);
    hosted.set(port.tenant, (hosted.get(port.tenant) ?? 0) + sign);
  } else {
    units.add(PAIR, pairKey(port.tenant, port.node));
  }
}

/** Adds units of tenants that this node starts or stops to host. */
function* addHosting(view: IntentView, turned: ReadonlySet<string>, units: UnitSet): Steps<void> {
  const sites = [...turned].flatMap((tenant) => [...view.pairsOf(tenant)]);
  yield* addSites(view, units, sites, (port) => turned.has(port.tenant));
  // Outer sources are planned while the node hosts any tenant.
  const more = [...turned].filter((tenant) => !view.localPorts.has(tenant)).length;
  const hosts = view.localPorts.size + 2 * more - turned.size;
  if (hosts === 0 || view.localPorts.size === 0) for (const key of view.sources) units.add(SOURCE, key);
  // The node has settings that only VRFs need, and its programs depend on whether a hosted tenant has a gateway.
  units.add(NODE);
}

/**
 * Adds pairs and their ports, which a scan over all ports finds. Changes that need the scan affect many ports anyway. It is skipped if the pairs
 * have no ports, as with a tenant that is new on this node.
 *
 * @param wanted whether a remote port belongs to one of the pairs
 */
function* addSites(
  view: IntentView,
  units: UnitSet,
  sites: Iterable<RemoteSite>,
  wanted: (port: Port) => boolean,
): Steps<void> {
  let left = 0;
  for (const { tenant, node, ports } of sites) {
    units.add(PAIR, pairKey(tenant, node));
    left += ports;
    yield;
  }
  if (left === 0) return;
  for (const port of view.ports.values()) {
    yield;
    if (view.isLocal(port) || !wanted(port)) continue;
    units.add(PORT, port.name);
    if (--left === 0) return;
  }
}

/** Adds all ports of this node. */
export function addLocalPorts(view: IntentView, units: UnitSet): void {
  for (const ports of view.localPorts.values()) {
    for (const key of ports.keys()) units.add(PORT, key);
  }
}
