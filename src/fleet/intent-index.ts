import type { Intent, IntentChange, IntentNode, Port, Tenant } from '../intent/types.js';
import { pathKey, type Path } from '../encap/path.js';
import type { External, Gateway, Policy, PolicyEnd } from '../gateway/types.js';

/** The only value of a group: a Map with one entry would be ten times as large, and names of a million ports are such groups. */
class Single<Value> {
  readonly key: string;
  readonly value: Value;

  constructor(key: string, value: Value) {
    this.key = key;
    this.value = value;
  }
}

/** Groups of values by key. A key without values is removed. */
class Groups<Value> {
  readonly #groups = new Map<string, Map<string, Value> | Single<Value>>();

  of(group: string): ReadonlyMap<string, Value> {
    return mapOf(this.#groups.get(group));
  }

  put(group: string, key: string, value: Value): void {
    const values = this.#groups.get(group);
    if (values instanceof Map) values.set(key, value);
    else if (values === undefined || values.key === key) this.#groups.set(group, new Single(key, value));
    else
      this.#groups.set(
        group,
        new Map([
          [values.key, values.value],
          [key, value],
        ]),
      );
  }

  delete(group: string, key: string): void {
    const values = this.#groups.get(group);
    if (values instanceof Map) {
      values.delete(key);
      if (values.size === 0) this.#groups.delete(group);
    } else if (values?.key === key) this.#groups.delete(group);
  }

  *[Symbol.iterator](): Generator<[string, ReadonlyMap<string, Value>]> {
    for (const [group, values] of this.#groups) yield [group, mapOf(values)];
  }
}

function mapOf<Value>(values: Map<string, Value> | Single<Value> | undefined): ReadonlyMap<string, Value> {
  if (values instanceof Map) return values;
  return values === undefined ? (NONE as ReadonlyMap<string, Value>) : new Map([[values.key, values.value]]);
}

const NONE: ReadonlyMap<string, unknown> = new Map();

/** Counters by two keys. */
class Counts {
  readonly #groups = new Groups<number>();

  of(group: string): ReadonlyMap<string, number> {
    return this.#groups.of(group);
  }

  /** @returns the new count */
  add(group: string, key: string, by: number): number {
    const count = (this.#groups.of(group).get(key) ?? 0) + by;
    if (count === 0) this.#groups.delete(group, key);
    else this.#groups.put(group, key, count);
    return count;
  }
}

/** Key of a policy's end: `tenant red`, `external internet`. */
export function partyOf(end: PolicyEnd): string {
  return 'tenant' in end ? `tenant ${end.tenant}` : `external ${end.external}`;
}

/**
 * A whole intent, indexed by the relations between entities, so that all entities that a change concerns are found without searching. Does not
 * validate anything.
 */
export class IntentIndex {
  sidBlock: string | undefined;
  trusted: readonly string[] = [];
  readonly nodes = new Map<string, IntentNode>();
  readonly tenants = new Map<string, Tenant>();
  /** By tenant and name. */
  readonly ports = new Groups<Port>();
  /** Ports with prefixes behind them, by tenant. */
  readonly routedPorts = new Groups<Port>();
  /** Tenants with a port of that name: one, if the intent is valid. */
  readonly tenantsOfPort = new Groups<true>();
  /** Names of tenants by id. */
  readonly tenantsOfId = new Groups<true>();
  /** Number of a tenant's ports on a node, by tenant. */
  readonly nodesOf = new Counts();
  /** The same by node. */
  readonly tenantsOn = new Counts();
  /** Number of a tenant's ports with prefixes on a node, by tenant. */
  readonly routedNodesOf = new Counts();
  /** By destination and pathKey. */
  readonly paths = new Groups<Path>();
  readonly gateways = new Map<string, Gateway>();
  /** By tenant. */
  readonly gatewaysOf = new Groups<Gateway>();
  /** By node. */
  readonly gatewaysOn = new Groups<Gateway>();
  readonly externals = new Map<string, External>();
  /** By gateway. */
  readonly externalsOf = new Groups<External>();
  readonly policies = new Map<string, Policy>();
  /** By party. */
  readonly policiesOf = new Groups<Policy>();
  /** Nodes with an outer source, by source. */
  readonly nodesOfSource = new Groups<true>();

  /** Applies a change; `before` must equal the present value. */
  apply(change: IntentChange): void {
    if (change.before !== undefined) this.#remove(change);
    if (change.after !== undefined) this.#add(change);
  }

  get sources(): string[] {
    return [...this.nodesOfSource].map(([source]) => source).sort();
  }

  get portCount(): number {
    let count = 0;
    for (const [, ports] of this.ports) count += ports.size;
    return count;
  }

  /** The whole intent; entities are not copied. */
  intent(): Intent {
    const gateways = [...this.gateways.values()];
    const externals = [...this.externals.values()];
    const policies = [...this.policies.values()];
    return {
      version: 1,
      sidBlock: this.sidBlock ?? '',
      ...(this.trusted.length > 0 && { trusted: [...this.trusted] }),
      nodes: [...this.nodes.values()],
      tenants: [...this.tenants.values()],
      ports: [...this.ports].flatMap(([, ports]) => [...ports.values()]),
      paths: [...this.paths].flatMap(([, paths]) => [...paths.values()]),
      ...(gateways.length > 0 && { gateways }),
      ...(externals.length > 0 && { externals }),
      ...(policies.length > 0 && { policies }),
    };
  }

  #add(change: IntentChange): void {
    switch (change.kind) {
      case 'block':
        this.sidBlock = change.after;
        return;
      case 'trusted':
        this.trusted = change.after ?? [];
        return;
      case 'source':
        return;
      case 'node': {
        const node = change.after!;
        this.nodes.set(node.name, node);
        for (const source of sourcesOfNode(node)) this.nodesOfSource.put(source, node.name, true);
        return;
      }
      case 'tenant': {
        const tenant = change.after!;
        this.tenants.set(tenant.name, tenant);
        this.tenantsOfId.put(String(tenant.id), tenant.name, true);
        return;
      }
      case 'port':
        this.#addPort(change.after!);
        return;
      case 'path': {
        const path = change.after!;
        this.paths.put(path.to, pathKey(path), path);
        return;
      }
      case 'gateway': {
        const gateway = change.after!;
        this.gateways.set(gateway.name, gateway);
        for (const tenant of gateway.tenants) this.gatewaysOf.put(tenant, gateway.name, gateway);
        for (const node of gateway.nodes) this.gatewaysOn.put(node, gateway.name, gateway);
        return;
      }
      case 'external': {
        const external = change.after!;
        this.externals.set(external.name, external);
        this.externalsOf.put(external.gateway, external.name, external);
        return;
      }
      case 'policy': {
        const policy = change.after!;
        this.policies.set(policy.name, policy);
        for (const end of [policy.from, policy.to]) this.policiesOf.put(partyOf(end), policy.name, policy);
        return;
      }
    }
  }

  #remove(change: IntentChange): void {
    switch (change.kind) {
      case 'block':
        this.sidBlock = undefined;
        return;
      case 'trusted':
        this.trusted = [];
        return;
      case 'source':
        return;
      case 'node': {
        const node = change.before!;
        this.nodes.delete(node.name);
        for (const source of sourcesOfNode(node)) this.nodesOfSource.delete(source, node.name);
        return;
      }
      case 'tenant': {
        const tenant = change.before!;
        this.tenants.delete(tenant.name);
        this.tenantsOfId.delete(String(tenant.id), tenant.name);
        return;
      }
      case 'port':
        this.#removePort(change.before!);
        return;
      case 'path': {
        const path = change.before!;
        this.paths.delete(path.to, pathKey(path));
        return;
      }
      case 'gateway': {
        const gateway = change.before!;
        this.gateways.delete(gateway.name);
        for (const tenant of gateway.tenants) this.gatewaysOf.delete(tenant, gateway.name);
        for (const node of gateway.nodes) this.gatewaysOn.delete(node, gateway.name);
        return;
      }
      case 'external': {
        const external = change.before!;
        this.externals.delete(external.name);
        this.externalsOf.delete(external.gateway, external.name);
        return;
      }
      case 'policy': {
        const policy = change.before!;
        this.policies.delete(policy.name);
        for (const end of [policy.from, policy.to]) this.policiesOf.delete(partyOf(end), policy.name);
        return;
      }
    }
  }

  #addPort(port: Port): void {
    const { tenant, name, node } = port;
    this.ports.put(tenant, name, port);
    this.tenantsOfPort.put(name, tenant, true);
    this.nodesOf.add(tenant, node, 1);
    this.tenantsOn.add(node, tenant, 1);
    if (!isRouted(port)) return;
    this.routedPorts.put(tenant, name, port);
    this.routedNodesOf.add(tenant, node, 1);
  }

  #removePort(port: Port): void {
    const { tenant, name, node } = port;
    this.ports.delete(tenant, name);
    this.tenantsOfPort.delete(name, tenant);
    this.nodesOf.add(tenant, node, -1);
    this.tenantsOn.add(node, tenant, -1);
    if (!isRouted(port)) return;
    this.routedPorts.delete(tenant, name);
    this.routedNodesOf.add(tenant, node, -1);
  }
}

export function isRouted({ prefixes }: Pick<Port, 'prefixes'>): boolean {
  return (prefixes as string[] | undefined) !== undefined && prefixes.length > 0;
}

/** Outer sources of one node. */
export function sourcesOfNode({ source, acceptedSources = [] }: IntentNode): string[] {
  return [source, ...acceptedSources];
}
