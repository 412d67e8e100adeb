import { equalValues } from './equal.js';
import { NODE, PAIR, PORT, REMOTE, SOURCE, TENANT, pairKey, UnitSet } from './units.js';
import type { AffectedUnits, ChangeOf, PlanFeature } from './feature.js';
import type { IntentView } from './view.js';
import type { IntentChange, IntentNode, Port } from '../intent/types.js';

/** Collects units until one asks for all. */
export class Affected implements AffectedUnits {
  readonly units = new UnitSet();
  isAll = false;

  all(): void {
    this.isAll = true;
  }
}

/**
 * The units of the plan that changes may alter, before or after them.
 *
 * @param view as it is before the changes
 * @returns `all` when nothing can be left out: the block or this node itself changed, or nobody knows this kind of change
 */
export function affectedUnits(
  view: IntentView,
  changes: readonly IntentChange[],
  features: readonly PlanFeature[],
): UnitSet | 'all' {
  const affected = new Affected();
  const hosted = new Map<string, number>();
  const ownKeys = new Set(features.flatMap(({ ownNodeKeys = [] }) => ownNodeKeys));
  for (const change of changes) {
    let isKnown = addBasics(view, change, ownKeys, hosted, affected);
    for (const { affected: byKind } of features) {
      const add = byKind?.[change.kind] as
        ((view: IntentView, change: IntentChange, to: AffectedUnits) => void) | undefined;
      if (add === undefined) continue;
      isKnown = true;
      add(view, change, affected);
    }
    if (!isKnown || affected.isAll) return 'all';
  }

  const turned = new Set<string>();
  for (const [tenant, delta] of hosted) {
    const before = view.localPorts.get(tenant)?.size ?? 0;
    if (before > 0 !== before + delta > 0) turned.add(tenant);
  }
  if (turned.size > 0) {
    addHosting(view, turned, affected.units);
    for (const feature of features) feature.affectedByHosting?.(view, turned, affected);
  }
  return affected.isAll ? 'all' : affected.units;
}

/**
 * Units of what every intent has.
 *
 * @param hosted gets by how many ports on this node each tenant grows
 * @returns false: features know
 */
function addBasics(
  view: IntentView,
  change: IntentChange,
  ownKeys: ReadonlySet<string>,
  hosted: Map<string, number>,
  affected: Affected,
): boolean {
  const { units } = affected;
  if (change.kind === 'block' || change.kind === 'trusted') affected.all();
  else if (change.kind === 'source') units.add(SOURCE, change.key);
  else if (change.kind === 'node') addNode(view, change, ownKeys, affected);
  else if (change.kind === 'tenant') {
    units.add(TENANT, change.key);
    addWhere(view, units, (tenant) => tenant === change.key);
    for (const name of view.localPorts.get(change.key)?.keys() ?? []) units.add(PORT, name);
  } else if (change.kind === 'port') {
    units.add(PORT, change.key);
    if (change.before !== undefined) addPort(view, change.before, -1, hosted, units);
    if (change.after !== undefined) addPort(view, change.after, +1, hosted, units);
  } else return false;
  return true;
}

function addNode(view: IntentView, change: ChangeOf<'node'>, ownKeys: ReadonlySet<string>, affected: Affected): void {
  if (differsOnlyIn(change, ownKeys)) return;
  if (change.key === view.config.node) {
    affected.all();
    return;
  }
  affected.units.add(REMOTE, change.key);
  addWhere(view, affected.units, (_tenant, node) => node === change.key);
  addLocalPorts(view, affected.units);
}

/** Whether a node differs in keys alone that one feature plans by. */
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

/** Units of tenants that this node begins or ceases to host. */
function addHosting(view: IntentView, turned: ReadonlySet<string>, units: UnitSet): void {
  addWhere(view, units, (tenant) => turned.has(tenant));
  // Outer sources are of interest from the first tenant on.
  const more = [...turned].filter((tenant) => !view.localPorts.has(tenant)).length;
  const hosts = view.localPorts.size + 2 * more - turned.size;
  if (hosts === 0 || view.localPorts.size === 0) for (const key of view.sources) units.add(SOURCE, key);
  // The node itself has settings that only VRFs need, and its programs are others where a hosted tenant has a gateway.
  units.add(NODE);
}

/** Remote ports, and pairs, of the tenants and nodes asked for: a scan, for changes that touch many of them anyway. */
function addWhere(view: IntentView, units: UnitSet, wanted: (tenant: string, node: string) => boolean): void {
  for (const { tenant, node } of view.pairs()) {
    if (wanted(tenant, node)) units.add(PAIR, pairKey(tenant, node));
  }
  for (const port of view.ports.values()) {
    if (!view.isLocal(port) && wanted(port.tenant, port.node)) units.add(PORT, port.name);
  }
}

/** All ports of this node. */
export function addLocalPorts(view: IntentView, units: UnitSet): void {
  for (const ports of view.localPorts.values()) {
    for (const key of ports.keys()) units.add(PORT, key);
  }
}
