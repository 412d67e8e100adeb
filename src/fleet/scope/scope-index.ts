import * as whole from '../../app/intent.js';
import { withoutMigration } from '../../intent/migration.js';
import { keyOf } from '../keys.js';
import { IntentIndex, isRouted, sourcesOfNode } from '../intent-index.js';
import { shapeOf } from './shape.js';
import type { IntentChange, Port } from '../../intent/types.js';
import type { Shape } from './shape.js';
import { scopePath, type Path } from '../../encap/path.js';

/** The part of a port that a node keeps. Nodes with feeds do not migrate ports: a port moves when the intent moves it (docs/services.md). */
const portAt = (port: Port, node: string): Port => whole.portAt(withoutMigration(port), node);

/** A change of a node's part: as in StoredChange, and outer sources of the domain (`source/<address>`). */
export interface ScopedChange {
  key: string;
  before?: object | string;
  after?: object | string;
}

interface Follower {
  node: string;
  shape: Shape;
  /** Scoped paths by destination and key. */
  paths: Map<string, Map<string, Path>>;
}

/** The changes for one follower: the last value of each key. */
class Emission {
  readonly changes = new Map<string, ScopedChange>();

  put(key: string, before: object | string | undefined, after: object | string | undefined): void {
    const known = this.changes.get(key);
    const first = known === undefined ? before : known.before;
    this.changes.set(key, {
      key,
      ...(first !== undefined && { before: first }),
      ...(after !== undefined && { after }),
    });
  }

  /** The changes without unchanged values. */
  get list(): ScopedChange[] {
    return [...this.changes.values()].filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  }
}

/** The state before a set of changes. */
interface Batch {
  changes: readonly IntentChange[];
  /** Ports before the changes by tenant and name; undefined for new ones. */
  portsBefore: Map<string, Map<string, Port | undefined>>;
  /** Pairs of tenant and node that may start or end: whether the tenant had a port there, and one with prefixes. */
  sites: Map<string, { tenant: string; node: string; had: boolean; hadRouted: boolean }>;
  /** Outer sources that may start or end, and whether they existed. */
  sources: Map<string, boolean>;
}

/**
 * A whole intent, and the parts of it that nodes keep (relevantTo of src/intent/scope.ts). A change costs in proportion to the nodes of its
 * tenants, whatever else they have. If a node starts or stops to keep a tenant, it costs that tenant's ports; a change of gateways and policies
 * costs the names that their nodes keep.
 */
export class ScopeIndex {
  readonly index = new IntentIndex();
  readonly #followers = new Map<string, Follower>();
  /** Followers by tenant: those that keep all its ports, and those that keep its ports with prefixes. */
  readonly #near = new Map<string, Set<Follower>>();
  readonly #peers = new Map<string, Set<Follower>>();

  /** Starts following for a node. @returns everything that the node keeps */
  follow(node: string): ScopedChange[] {
    this.unfollow(node);
    const follower: Follower = { node, shape: shapeOf(this.index, node), paths: new Map() };
    this.#followers.set(node, follower);
    this.#enter(follower);
    const emission = new Emission();
    this.#emitDomain(emission);
    for (const name of follower.shape.nodes.keys()) this.#emitNode(follower, name, emission);
    this.#emitTenants(follower, undefined, emission, undefined);
    for (const [key, value] of follower.shape.steering) emission.put(key, undefined, value);
    return emission.list;
  }

  unfollow(node: string): void {
    const follower = this.#followers.get(node);
    if (follower === undefined) return;
    this.#leave(follower);
    this.#followers.delete(node);
  }

  /** Applies changes. @returns the changes for each affected follower, by node */
  apply(changes: readonly IntentChange[]): Map<string, ScopedChange[]> {
    const batch = this.#batchOf(changes);
    const reshaped = this.#reshapedBy(changes);
    for (const change of changes) this.index.apply(change);
    for (const change of changes) if (change.kind === 'port') this.#noteHosting(change, reshaped);
    const emissions = new Map<Follower, Emission>();
    const of = (follower: Follower): Emission => {
      let emission = emissions.get(follower);
      if (emission === undefined) emissions.set(follower, (emission = new Emission()));
      return emission;
    };
    for (const change of changes) this.#emitChange(change, batch, reshaped, of);
    this.#emitSites(batch, reshaped, of);
    for (const follower of reshaped) this.#reshape(follower, batch, of(follower));
    const concerned = new Map<string, ScopedChange[]>();
    for (const [{ node }, emission] of emissions) {
      const list = emission.list;
      if (list.length > 0) concerned.set(node, list);
    }
    return concerned;
  }

  #batchOf(changes: readonly IntentChange[]): Batch {
    const batch: Batch = { changes, portsBefore: new Map(), sites: new Map(), sources: new Map() };
    for (const change of changes) {
      if (change.kind === 'node') {
        for (const node of [change.before, change.after]) {
          for (const source of node === undefined ? [] : sourcesOfNode(node)) {
            batch.sources.set(source, this.index.nodesOfSource.of(source).size > 0);
          }
        }
      }
      if (change.kind !== 'port') continue;
      for (const port of [change.before, change.after]) {
        if (port === undefined) continue;
        const { tenant, node, name } = port;
        const ports = batch.portsBefore.get(tenant) ?? new Map<string, Port | undefined>();
        batch.portsBefore.set(tenant, ports);
        if (!ports.has(name)) ports.set(name, this.index.ports.of(tenant).get(name));
        const had = this.index.nodesOf.of(tenant).has(node);
        const hadRouted = this.index.routedNodesOf.of(tenant).has(node);
        const place = `${tenant} ${node}`;
        if (!batch.sites.has(place)) batch.sites.set(place, { tenant, node, had, hadRouted });
      }
    }
    return batch;
  }

  /** Followers whose tenants, peers, gateways or policies may differ after the changes. */
  #reshapedBy(changes: readonly IntentChange[]): Set<Follower> {
    const reshaped = new Set<Follower>();
    const add = (followers: Iterable<Follower> | undefined): void => {
      for (const follower of followers ?? []) reshaped.add(follower);
    };
    const addTenant = (tenant: string): void => {
      add(this.#near.get(tenant));
      add(this.#peers.get(tenant));
    };
    const addNode = (node: string): void => {
      const follower = this.#followers.get(node);
      if (follower !== undefined) reshaped.add(follower);
    };
    for (const change of changes) {
      if (change.kind === 'gateway') {
        for (const gateway of [change.before, change.after]) {
          for (const tenant of gateway?.tenants ?? []) addTenant(tenant);
          for (const node of gateway?.nodes ?? []) addNode(node);
        }
      } else if (change.kind === 'policy') {
        for (const policy of [change.before, change.after]) {
          for (const end of policy === undefined ? [] : [policy.from, policy.to]) {
            if ('tenant' in end) add(this.#near.get(end.tenant));
          }
        }
      } else if (change.kind === 'external') {
        for (const external of [change.before, change.after]) {
          for (const tenant of this.index.gateways.get(external?.gateway ?? '')?.tenants ?? []) addTenant(tenant);
        }
      }
    }
    return reshaped;
  }

  /** Notes a node that gets its first port of a tenant, or loses its last. */
  #noteHosting(change: IntentChange & { kind: 'port' }, reshaped: Set<Follower>): void {
    for (const port of [change.before, change.after]) {
      const follower = port && this.#followers.get(port.node);
      if (port === undefined || follower === undefined) continue;
      const hosts = this.index.tenantsOn.of(port.node).has(port.tenant);
      if (hosts !== follower.shape.near.has(port.tenant)) reshaped.add(follower);
    }
  }

  #emitChange(
    change: IntentChange,
    batch: Batch,
    reshaped: ReadonlySet<Follower>,
    of: (follower: Follower) => Emission,
  ): void {
    switch (change.kind) {
      case 'block':
      case 'trusted':
        for (const follower of this.#followers.values()) of(follower).put(change.kind, change.before, change.after);
        return;
      case 'node':
        for (const follower of this.#followers.values()) {
          const isKept = follower.shape.nodes.has(change.key);
          if (isKept) of(follower).put(`node/${change.key}`, change.before, change.after);
          if (isKept && !reshaped.has(follower)) this.#emitPaths(follower, change.key, of(follower));
          for (const [source, had] of batch.sources) {
            const has = this.index.nodesOfSource.of(source).size > 0;
            of(follower).put(`source/${source}`, had ? source : undefined, has ? source : undefined);
          }
        }
        return;
      case 'tenant':
        for (const followers of [this.#near, this.#peers]) {
          for (const follower of followers.get(change.key) ?? []) {
            if (!reshaped.has(follower)) of(follower).put(`tenant/${change.key}`, change.before, change.after);
          }
        }
        return;
      case 'port':
        for (const tenant of new Set([change.before?.tenant, change.after?.tenant])) {
          if (tenant !== undefined) this.#emitPort(tenant, change.key, batch, reshaped, of);
        }
        return;
      case 'path':
        for (const path of [change.before, change.after]) {
          if (path === undefined) continue;
          for (const follower of this.#followers.values()) {
            if (!reshaped.has(follower)) this.#emitPaths(follower, path.to, of(follower));
          }
        }
        return;
      case 'source':
      case 'gateway':
      case 'external':
      case 'policy':
        return;
    }
  }

  #emitPort(
    tenant: string,
    name: string,
    batch: Batch,
    reshaped: ReadonlySet<Follower>,
    of: (follower: Follower) => Emission,
  ): void {
    const before = batch.portsBefore.get(tenant)?.get(name);
    const after = this.index.ports.of(tenant).get(name);
    const key = `port/${tenant}/${name}`;
    const view = (port: Port | undefined, node: string): Port | undefined => port && portAt(port, node);
    for (const follower of this.#near.get(tenant) ?? []) {
      if (reshaped.has(follower)) continue;
      of(follower).put(key, view(before, follower.node), view(after, follower.node));
    }
    const routed = (port: Port | undefined): Port | undefined => (port && isRouted(port) ? port : undefined);
    for (const follower of this.#peers.get(tenant) ?? []) {
      if (reshaped.has(follower)) continue;
      of(follower).put(key, view(routed(before), follower.node), view(routed(after), follower.node));
    }
  }

  /** Emits nodes that tenants start or stop to use. */
  #emitSites({ sites }: Batch, reshaped: ReadonlySet<Follower>, of: (follower: Follower) => Emission): void {
    for (const { tenant, node, had, hadRouted } of sites.values()) {
      const counted = [
        [this.#near, had, this.index.nodesOf.of(tenant).has(node)],
        [this.#peers, hadRouted, this.index.routedNodesOf.of(tenant).has(node)],
      ] as const;
      for (const [followers, before, after] of counted) {
        if (before === after) continue;
        for (const follower of followers.get(tenant) ?? []) {
          if (!reshaped.has(follower)) this.#countNode(follower, node, after ? 1 : -1, of(follower));
        }
      }
    }
  }

  #countNode(follower: Follower, name: string, by: number, emission: Emission): void {
    const { nodes } = follower.shape;
    const count = (nodes.get(name) ?? 0) + by;
    const isKept = count > 0;
    const wasKept = nodes.has(name);
    if (isKept) nodes.set(name, count);
    else nodes.delete(name);
    if (isKept === wasKept) return;
    if (isKept) this.#emitNode(follower, name, emission);
    else this.#dropNode(follower, name, emission);
  }

  #emitNode(follower: Follower, name: string, emission: Emission): void {
    emission.put(`node/${name}`, undefined, this.index.nodes.get(name));
    this.#emitPaths(follower, name, emission);
  }

  #dropNode(follower: Follower, name: string, emission: Emission): void {
    const key = `node/${name}`;
    emission.put(key, emission.changes.get(key)?.before ?? this.index.nodes.get(name), undefined);
    this.#emitPaths(follower, name, emission);
  }

  /** Emits the difference of the follower's paths to a node. */
  #emitPaths(follower: Follower, to: string, emission: Emission): void {
    const { shape, paths, node } = follower;
    const hasNode = (name: string): boolean => shape.nodes.has(name) && this.index.nodes.has(name);
    // Tenants that the follower does not keep must not be named.
    const hasTenant = (name: string): boolean => shape.near.has(name);
    const now = new Map<string, Path>();
    for (const path of this.index.paths.of(to).values()) {
      const scoped = scopePath(path, node, hasNode, hasTenant);
      if (scoped !== undefined) now.set(keyOf('path', scoped), scoped);
    }
    const before = paths.get(to) ?? new Map<string, Path>();
    for (const [key, path] of before) if (!now.has(key)) emission.put(key, path, undefined);
    for (const [key, path] of now) emission.put(key, before.get(key), path);
    if (now.size > 0) paths.set(to, now);
    else paths.delete(to);
  }

  #emitDomain(emission: Emission): void {
    const { sidBlock, trusted, sources } = this.index;
    emission.put('block', undefined, sidBlock);
    if (trusted.length > 0) emission.put('trusted', undefined, [...trusted]);
    for (const source of sources) emission.put(`source/${source}`, undefined, source);
  }

  #reshape(follower: Follower, batch: Batch, emission: Emission): void {
    const before = follower.shape;
    this.#leave(follower);
    const shape = shapeOf(this.index, follower.node);
    follower.shape = shape;
    this.#enter(follower);
    const nodeBefore = new Map(
      batch.changes.flatMap((one) => (one.kind === 'node' ? [[one.key, one.before] as const] : [])),
    );
    for (const name of new Set([...before.nodes.keys(), ...shape.nodes.keys()])) {
      const was = nodeBefore.has(name) ? nodeBefore.get(name) : this.index.nodes.get(name);
      const [had, has] = [before.nodes.has(name), shape.nodes.has(name)];
      emission.put(`node/${name}`, had ? was : undefined, has ? this.index.nodes.get(name) : undefined);
    }
    this.#emitTenants(follower, before, emission, batch);
    for (const to of new Set([...follower.paths.keys(), ...shape.nodes.keys()]))
      this.#emitPaths(follower, to, emission);
    for (const [key, value] of before.steering) if (!shape.steering.has(key)) emission.put(key, value, undefined);
    for (const [key, value] of shape.steering) emission.put(key, before.steering.get(key), value);
  }

  /** Emits the difference of the follower's tenants, with their ports. */
  #emitTenants(follower: Follower, before: Shape | undefined, emission: Emission, batch: Batch | undefined): void {
    const { shape, node } = follower;
    const tenantBefore = new Map(
      (batch?.changes ?? []).flatMap((one) => (one.kind === 'tenant' ? [[one.key, one.before] as const] : [])),
    );
    for (const tenant of new Set([...(before?.near ?? []), ...(before?.peers ?? []), ...shape.near, ...shape.peers])) {
      const was = before === undefined ? 'none' : depthOf(before, tenant);
      const is = depthOf(shape, tenant);
      const self = this.index.tenants.get(tenant);
      const selfBefore = tenantBefore.has(tenant) ? tenantBefore.get(tenant) : self;
      emission.put(`tenant/${tenant}`, was === 'none' ? undefined : selfBefore, is === 'none' ? undefined : self);
      const changed = batch?.portsBefore.get(tenant);
      const emit = (name: string, from: Port | undefined, to: Port | undefined): void => {
        const kept = (port: Port | undefined, depth: Depth): Port | undefined =>
          port === undefined || depth === 'none' || (depth === 'peer' && !isRouted(port))
            ? undefined
            : portAt(port, node);
        const [first, last] = [kept(from, was), kept(to, is)];
        if (first !== undefined || last !== undefined) emission.put(`port/${tenant}/${name}`, first, last);
      };
      for (const [name, from] of changed ?? []) emit(name, from, this.index.ports.of(tenant).get(name));
      if (was === is) continue;
      for (const [name, port] of this.index.ports.of(tenant)) if (changed?.has(name) !== true) emit(name, port, port);
    }
  }

  #enter(follower: Follower): void {
    for (const tenant of follower.shape.near) add(this.#near, tenant, follower);
    for (const tenant of follower.shape.peers) add(this.#peers, tenant, follower);
  }

  #leave(follower: Follower): void {
    for (const tenant of follower.shape.near) remove(this.#near, tenant, follower);
    for (const tenant of follower.shape.peers) remove(this.#peers, tenant, follower);
  }
}

/** How much of a tenant a node keeps. */
type Depth = 'near' | 'peer' | 'none';

function depthOf({ near, peers }: Shape, tenant: string): Depth {
  if (near.has(tenant)) return 'near';
  return peers.has(tenant) ? 'peer' : 'none';
}

function add(groups: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, new Set([follower]));
  else group.add(follower);
}

function remove(groups: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const group = groups.get(key);
  group?.delete(follower);
  if (group?.size === 0) groups.delete(key);
}
