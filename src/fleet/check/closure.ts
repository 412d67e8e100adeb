/**
 * Finds the part of an intent that a change must be checked with. The checks of files (src/intent/check) apply to a whole intent, but most rules
 * concern only a scope: values that are unique in a tenant, on a node, or among names. So the same code checks the change in a small intent with
 * all entities that a rule may relate to it. Omitting the rest neither adds nor removes errors.
 */
import { isRouted, partyOf } from '../intent-index.js';
import type { Intent, IntentChange, IntentNode, Port, Tenant } from '../../intent/types.js';
import type { IntentIndex } from '../intent-index.js';
import type { Gateway, Policy } from '../../gateway/types.js';
import type { Path } from '../../encap/path.js';

/** @param index the index after the changes */
export function closureOf(index: IntentIndex, changes: readonly IntentChange[]): Intent {
  if (changes.some(({ kind }) => kind === 'block' || kind === 'trusted')) return index.intent();
  const closure = new Closure(index);
  for (const change of changes) closure.add(change);
  return closure.intent();
}

class Closure {
  readonly #index: IntentIndex;
  readonly #nodes = new Map<string, IntentNode>();
  readonly #tenants = new Map<string, Tenant>();
  readonly #ports = new Set<Port>();
  readonly #paths = new Set<Path>();
  readonly #gateways = new Set<Gateway>();
  readonly #externals = new Set<string>();
  readonly #policies = new Set<Policy>();
  /** Names that gateways and paths keep: of changed and removed entities, and of those in the closure. */
  readonly #namedTenants = new Set<string>();
  readonly #namedNodes = new Set<string>();
  /** Parties whose addresses or policies changed. */
  readonly #parties = new Set<string>();
  #hasAllNodes = false;

  constructor(index: IntentIndex) {
    this.#index = index;
  }

  add(change: IntentChange): void {
    const values = [change.before, change.after].filter((value) => value !== undefined);
    switch (change.kind) {
      case 'node':
        this.#allNodes();
        for (const [, paths] of this.#index.paths) for (const path of paths.values()) this.#paths.add(path);
        this.#namedNodes.add(change.key);
        this.#portsOn(change.key);
        for (const gateway of this.#index.gatewaysOn.of(change.key).values()) this.#gateways.add(gateway);
        return;
      case 'tenant':
        for (const tenant of values as Tenant[]) this.#changedTenant(tenant);
        return;
      case 'port':
        for (const port of values as Port[]) this.#changedPort(port);
        return;
      case 'path':
        this.#allNodes();
        for (const { to } of values as Path[])
          for (const path of this.#index.paths.of(to).values()) this.#paths.add(path);
        return;
      case 'gateway':
        for (const gateway of values as Gateway[]) this.#changedGateway(gateway);
        return;
      case 'external': {
        this.#parties.add(`external ${change.key}`);
        for (const { gateway } of values as { gateway: string }[]) this.#externalsOf(gateway);
        return;
      }
      case 'policy':
        for (const { from, to } of values as Policy[]) for (const end of [from, to]) this.#parties.add(partyOf(end));
        return;
      case 'block':
      case 'trusted':
      case 'source':
        return;
    }
  }

  intent(): Intent {
    this.#policiesOfParties();
    for (const name of this.#externals) this.#externalsOf(this.#index.externals.get(name)?.gateway ?? '');
    for (const port of this.#ports) {
      this.#tenant(port.tenant);
      this.#node(port.node);
    }
    for (const { to, tenants = [] } of this.#paths) {
      this.#node(to);
      for (const tenant of tenants) this.#tenant(tenant);
    }
    for (const { from, to } of this.#policies) {
      for (const end of [from, to]) {
        if (!('tenant' in end)) continue;
        this.#tenant(end.tenant);
        for (const gateway of this.#index.gatewaysOf.of(end.tenant).values()) this.#gateways.add(gateway);
      }
    }
    const gateways = [...this.#gateways].map((gateway) => this.#trimmed(gateway));
    const externals = [...this.#externals].flatMap((name) => this.#index.externals.get(name) ?? []);
    const { sidBlock = '', trusted } = this.#index;
    return {
      version: 1,
      sidBlock,
      ...(trusted.length > 0 && { trusted: [...trusted] }),
      nodes: [...this.#nodes.values()],
      tenants: [...this.#tenants.values()],
      ports: [...this.#ports],
      paths: [...this.#paths],
      gateways,
      externals,
      policies: [...this.#policies],
    };
  }

  #allNodes(): void {
    if (this.#hasAllNodes) return;
    this.#hasAllNodes = true;
    for (const [name, node] of this.#index.nodes) this.#nodes.set(name, node);
  }

  #node(name: string): void {
    const node = this.#index.nodes.get(name);
    if (node !== undefined) this.#nodes.set(name, node);
  }

  #tenant(name: string): void {
    const tenant = this.#index.tenants.get(name);
    if (tenant !== undefined) this.#tenants.set(name, tenant);
  }

  #portsOf(tenant: string): void {
    for (const port of this.#index.ports.of(tenant).values()) this.#ports.add(port);
  }

  /** Adds all ports of a node, on which interfaces are unique. */
  #portsOn(node: string): void {
    for (const tenant of this.#index.tenantsOn.of(node).keys()) {
      for (const port of this.#index.ports.of(tenant).values()) if (port.node === node) this.#ports.add(port);
    }
  }

  #changedTenant(tenant: Tenant): void {
    const { name, id } = tenant;
    this.#tenant(name);
    this.#namedTenants.add(name);
    this.#portsOf(name);
    for (const other of this.#index.tenantsOfId.of(String(id)).keys()) this.#tenant(other);
    for (const gateway of this.#index.gatewaysOf.of(name).values()) this.#gateways.add(gateway);
    this.#parties.add(`tenant ${name}`);
    if (this.#index.tenants.has(name)) return;
    for (const [, paths] of this.#index.paths) {
      for (const path of paths.values()) if (path.tenants?.includes(name)) this.#withNodes(path);
    }
  }

  /** Adds a path with all nodes, since it is checked with every locator. */
  #withNodes(path: Path): void {
    this.#allNodes();
    this.#paths.add(path);
  }

  #changedPort(port: Port): void {
    this.#tenant(port.tenant);
    this.#node(port.node);
    this.#portsOf(port.tenant);
    this.#portsOn(port.node);
    for (const tenant of this.#index.tenantsOfPort.of(port.name).keys()) {
      const other = this.#index.ports.of(tenant).get(port.name);
      if (other !== undefined) this.#ports.add(other);
    }
    if (isRouted(port)) this.#parties.add(`tenant ${port.tenant}`);
  }

  #changedGateway(gateway: Gateway): void {
    for (const tenant of gateway.tenants) {
      this.#tenant(tenant);
      this.#namedTenants.add(tenant);
      this.#parties.add(`tenant ${tenant}`);
      for (const other of this.#index.gatewaysOf.of(tenant).values()) this.#gateways.add(other);
    }
    for (const node of gateway.nodes) {
      this.#node(node);
      this.#namedNodes.add(node);
    }
    const now = this.#index.gateways.get(gateway.name);
    if (now !== undefined) this.#gateways.add(now);
    for (const external of this.#index.externalsOf.of(gateway.name).keys()) {
      this.#externals.add(external);
      this.#parties.add(`external ${external}`);
    }
  }

  #externalsOf(gateway: string): void {
    for (const name of this.#index.externalsOf.of(gateway).keys()) this.#externals.add(name);
    const now = this.#index.gateways.get(gateway);
    if (now !== undefined) this.#gateways.add(now);
  }

  /** Adds all policies of changed parties and of their peers, because addresses determine the peer. */
  #policiesOfParties(): void {
    const near = new Set(this.#parties);
    for (const party of this.#parties) {
      for (const { from, to } of this.#index.policiesOf.of(party).values())
        for (const end of [from, to]) near.add(partyOf(end));
    }
    for (const party of near)
      for (const policy of this.#index.policiesOf.of(party).values()) this.#policies.add(policy);
    for (const { from, to } of this.#policies) {
      for (const end of [from, to]) {
        if ('tenant' in end) for (const port of this.#index.routedPorts.of(end.tenant).values()) this.#ports.add(port);
        else this.#externals.add(end.external);
      }
    }
  }

  /** A gateway with only the names that matter here, and at least one node. */
  #trimmed(gateway: Gateway): Gateway {
    const tenants = gateway.tenants.filter((name) => this.#tenants.has(name) || this.#namedTenants.has(name));
    const nodes = gateway.nodes.filter((name) => this.#nodes.has(name) || this.#namedNodes.has(name));
    if (nodes.length === 0) nodes.push(...gateway.nodes.slice(0, 1));
    if (tenants.length === 0) tenants.push(...gateway.tenants.slice(0, 1));
    for (const name of nodes) this.#node(name);
    for (const name of tenants) this.#tenant(name);
    return { ...gateway, nodes, tenants };
  }
}
