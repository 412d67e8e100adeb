/**
 * Units of planning. Exactly one unit plans each object, so a unit can be planned again on its own, and its difference is the plan's.
 */
import { LargeMap } from '../reconcile/large-map.js';
import type { Emit } from './plan.js';
import type { IntentView, RemoteSite } from './view.js';
import type { IntentNode, Port, Tenant } from '../intent/types.js';

/** A feature's planning functions for units that exist for every intent. */
export interface PlanHooks {
  /** For the node itself. */
  node?(view: IntentView, emit: Emit): void;
  /** For a tenant with a port on this node. */
  tenant?(view: IntentView, tenant: Tenant, emit: Emit): void;
  /** For each node of the intent, this one included. */
  remote?(view: IntentView, node: IntentNode, emit: Emit): void;
  /** For a tenant on another node. */
  pair?(view: IntentView, pair: RemoteSite, emit: Emit): void;
  /** For a port on this node. */
  localPort?(view: IntentView, port: Port, emit: Emit): void;
  /** For a port on another node. */
  remotePort?(view: IntentView, pair: RemoteSite, port: Port, emit: Emit): void;
  /** For an outer source of the domain. */
  source?(view: IntentView, source: string, emit: Emit): void;
}

/** The hooks of all features, in the order of the features. */
export type AllHooks = { readonly [H in keyof PlanHooks]-?: readonly NonNullable<PlanHooks[H]>[] };

/** A class of units: one for each key. */
export interface UnitClass {
  readonly name: string;
  /** Keys of all units of the class. */
  keys(view: IntentView): Iterable<string>;
  /** Plans a unit; a unit that is not in the view plans nothing. */
  plan(view: IntentView, key: string, emit: Emit, hooks: AllHooks): void;
}

/** This node: a single unit with an empty key. */
export const NODE: UnitClass = {
  name: 'node',
  keys: () => [''],
  plan(view, _key, emit, { node }) {
    for (const plan of node) plan(view, emit);
  },
};

/** A tenant on this node. Without a local port there is nothing to decapsulate for. */
export const TENANT: UnitClass = {
  name: 'tenant',
  keys: (view) => view.tenants.keys(),
  plan(view, key, emit, hooks) {
    const tenant = view.tenants.get(key);
    if (tenant === undefined || !view.localPorts.has(key)) return;
    for (const plan of hooks.tenant) plan(view, tenant, emit);
  },
};

/** A node of the intent. */
export const REMOTE: UnitClass = {
  name: 'remote',
  keys: (view) => view.nodes.keys(),
  plan(view, key, emit, hooks) {
    const node = view.nodes.get(key);
    if (node !== undefined) for (const plan of hooks.remote) plan(view, node, emit);
  },
};

/** An outer source of the domain. */
export const SOURCE: UnitClass = {
  name: 'source',
  keys: (view) => view.sources,
  plan(view, key, emit, hooks) {
    if (view.sources.has(key)) for (const plan of hooks.source) plan(view, key, emit);
  },
};

/** A tenant on another node; key: `pairKey`. */
export const PAIR: UnitClass = {
  name: 'pair',
  *keys(view) {
    for (const { tenant, node } of view.pairs()) yield pairKey(tenant, node);
  },
  plan(view, key, emit, hooks) {
    const [tenant = '', node = ''] = key.split(' ');
    const pair = view.pair(tenant, node);
    if (pair !== undefined) planPair(view, pair, emit, hooks);
  },
};

/** A port on any node. */
export const PORT: UnitClass = {
  name: 'port',
  keys: (view) => view.ports.keys(),
  plan(view, key, emit, hooks) {
    const port = view.ports.get(key);
    if (port !== undefined) planPort(view, port, emit, hooks);
  },
};

/** Names contain no spaces. */
export function pairKey(tenant: string, node: string): string {
  return `${tenant} ${node}`;
}

export function planPair(view: IntentView, pair: RemoteSite, emit: Emit, { pair: plans }: AllHooks): void {
  for (const plan of plans) plan(view, pair, emit);
}

export function planPort(view: IntentView, port: Port, emit: Emit, { localPort, remotePort }: AllHooks): void {
  if (view.isLocal(port)) {
    for (const plan of localPort) plan(view, port, emit);
    return;
  }
  const pair = view.pair(port.tenant, port.node);
  if (pair === undefined) throw new Error(`plan: no ports of ${port.tenant} on ${port.node}`);
  for (const plan of remotePort) plan(view, pair, port, emit);
}

/** Units by class and key, each once. */
export class UnitSet {
  readonly #keys = new Map<UnitClass, LargeMap<true>>();

  add(unit: UnitClass, key = ''): void {
    let keys = this.#keys.get(unit);
    if (keys === undefined) this.#keys.set(unit, (keys = new LargeMap()));
    keys.set(key, true);
  }

  *[Symbol.iterator](): Generator<[unit: UnitClass, key: string]> {
    for (const [unit, keys] of this.#keys) for (const key of keys.keys()) yield [unit, key];
  }
}
