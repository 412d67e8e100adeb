import { familyOf } from 'netlink-ts/inet';
import { peerOf } from '../intent/migration.js';
import { sourcesOf } from '../intent/sources.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from './numbers.js';
import { LargeMap } from '../reconcile/large-map.js';
import { SmallestSet } from './smallest.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, IntentChange, IntentNode, NodeConfig, Port, Tenant } from '../intent/types.js';

/** Facts of the machine that features plan by; each feature declares its own. */
export interface FeatureFacts {}

/** Facts of the machine that planning needs and the intent does not contain. */
export interface NodeFacts extends FeatureFacts {
  /** Smallest MTU of the uplinks, bytes. */
  uplinkMtu: number;
  /** Facts of the fast path; absent if the node file requests none. */
  fastpath?: FastpathFacts;
  /** Facts of the program that answers neighbour solicitations; absent if the node file requests a fast path. */
  responder?: ResponderFacts;
  /**
   * How IPv6 forwarding is turned on: by `force_forwarding` of the interfaces that need it (Linux 6.17), or for the whole host, which did not
   * forward before; absent if the host already forwarded.
   */
  forwarding?: 'interfaces' | 'host';
}

export interface ResponderFacts {
  /** Why the machine does not support it; absent: it does. */
  missing?: string;
}

export interface FastpathFacts {
  /** Why the machine does not support it; the kernel then forwards alone. Absent: it does. */
  missing?: string;
  /** Uplinks that also get an XDP program. */
  xdp: readonly string[];
}

/** Values that features cache for a `RemoteSite`; each feature declares its own. */
export interface PairMemo {}

/** A tenant on a node other than this one. */
export interface RemoteSite {
  tenant: string;
  node: string;
  /** Ports of the tenant on that node, including those migrating to or from it. */
  ports: number;
  /** Cached values common to these ports; discarded when anything but ports changes. */
  memo: PairMemo;
}

/** A feature's index of the intent. */
export interface ViewPart {
  /** Updates the index. */
  apply(changes: readonly IntentChange[]): void;
}

/** The features' indexes by their names in the view; each feature declares its own. */
export interface ViewParts {}

export type ViewFactories = { readonly [P in keyof ViewParts]: (intent: Intent) => ViewParts[P] };

/** The intent indexed for planning, with the features' indexes. */
export type IntentView = IntentIndex & Readonly<ViewParts>;

export function openView(config: NodeConfig, facts: NodeFacts, intent: Intent, parts: ViewFactories): IntentView {
  const view = new IntentIndex(config, facts, intent);
  for (const [name, make] of Object.entries(parts) as [string, (intent: Intent) => ViewPart][]) {
    const part = make(intent);
    Object.defineProperty(view, name, { value: part });
    view.parts.push(part);
  }
  return view as IntentView;
}

/** Builds the view; may be suspended. */
export function* viewSteps(
  config: NodeConfig,
  facts: NodeFacts,
  intent: Intent,
  parts: ViewFactories,
): Steps<IntentView> {
  const view = openView(config, facts, { ...intent, ports: [] }, parts);
  for (const port of intent.ports) {
    view.addPort(port);
    yield;
  }
  return view;
}

/** The intent indexed for planning: the lookups for a port cost the same whatever the intent's size. */
export class IntentIndex {
  readonly config: NodeConfig;
  facts: NodeFacts;
  sidBlock: string;
  /** Prefixes of the SR domain outside the SID block, whose hosts are trusted outer sources. */
  trusted: readonly string[];
  /** Outer sources of all nodes of the domain. */
  readonly sources: Set<string>;
  readonly nodes = new Map<string, IntentNode>();
  readonly tenants = new Map<string, Tenant>();
  readonly ports: Map<string, Port> = new LargeMap<Port>();
  /** Local ports by tenant name. */
  readonly localPorts = new Map<string, Map<string, Port>>();
  /** Ports with prefixes behind them, on any node, by tenant name. */
  readonly routedPorts = new Map<string, Map<string, Port>>();
  readonly parts: ViewPart[] = [];
  /** By tenant, then by node. */
  readonly #pairs = new Map<string, Map<string, RemoteSite>>();
  /** Whether proxy NDP entries answer neighbour solicitations at the ports, rather than a program (src/port/proxies.ts). */
  readonly hasProxies: boolean;
  /** IPv6 member addresses of each tenant, for proxy NDP entries; empty without them. */
  readonly members6 = new Map<string, SmallestSet>();

  constructor(config: NodeConfig, facts: NodeFacts, intent: Intent) {
    this.config = config;
    this.facts = facts;
    this.hasProxies = !this.ebpfOnly && this.fastpath === undefined && !this.usesNdpResponder;
    this.sidBlock = intent.sidBlock;
    this.trusted = intent.trusted ?? [];
    this.sources = new Set(sourcesOf(intent));
    for (const node of intent.nodes) this.nodes.set(node.name, node);
    for (const tenant of intent.tenants) this.tenants.set(tenant.name, tenant);
    for (const port of intent.ports) this.addPort(port);
  }

  get self(): IntentNode {
    return this.node(this.config.node);
  }

  /** Facts of the fast path; undefined if it is not requested or not supported. */
  get fastpath(): FastpathFacts | undefined {
    const { fastpath } = this.facts;
    return fastpath?.missing === undefined ? fastpath : undefined;
  }

  /** Whether a program answers neighbour solicitations at the ports from the kernel's routes: kernel mode. */
  get usesNdpResponder(): boolean {
    const { responder } = this.facts;
    return responder !== undefined && responder.missing === undefined;
  }

  /** Whether the fast path forwards alone (`dataplane: ebpf`): the kernel then holds nothing of a tenant but the guard. */
  get ebpfOnly(): boolean {
    return this.config.dataplane === 'ebpf';
  }

  /** Whether the host forwards IPv6 only because of segue: forwarding is then limited to segue's packets. */
  get limitsForwarding(): boolean {
    return this.facts.forwarding === 'host' && !this.ebpfOnly;
  }

  isLocal(port: Port): boolean {
    return port.node === this.config.node;
  }

  node(name: string): IntentNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`intent view: no node "${name}"`);
    return node;
  }

  /** The tenant's ports on another node; undefined if there are none. */
  pair(tenant: string, node: string): RemoteSite | undefined {
    return this.#pairs.get(tenant)?.get(node);
  }

  /** The tenant's ports on all other nodes, by node. */
  pairsOf(tenant: string): Iterable<RemoteSite> {
    return this.#pairs.get(tenant)?.values() ?? [];
  }

  *pairs(): Generator<RemoteSite> {
    for (const byNode of this.#pairs.values()) yield* byNode.values();
  }

  tenant(name: string): Tenant {
    const tenant = this.tenants.get(name);
    if (tenant === undefined) throw new Error(`intent view: no tenant "${name}"`);
    return tenant;
  }

  /** Applies changes. Names in them must resolve once all changes are applied. */
  *applySteps(changes: readonly IntentChange[]): Steps<void> {
    for (const part of this.parts) part.apply(changes);
    for (const change of changes) {
      if (change.kind === 'port' && change.before !== undefined) this.#removePort(change.before);
      yield;
    }
    let portsAlone = true;
    for (const change of changes) {
      if (change.kind === 'port') continue;
      this.#put(change);
      portsAlone = false;
    }
    for (const change of changes) {
      if (change.kind === 'port' && change.after !== undefined) this.addPort(change.after);
      yield;
    }
    if (portsAlone) return;
    for (const pair of this.pairs()) {
      pair.memo = {};
      yield;
    }
  }

  /** Applies a change of an entity that is neither a port nor in a feature's index. */
  #put(change: IntentChange): void {
    if (change.kind === 'block') this.sidBlock = change.after ?? this.sidBlock;
    else if (change.kind === 'trusted') this.trusted = change.after ?? [];
    else if (change.kind === 'source') {
      if (change.after === undefined) this.sources.delete(change.key);
      else this.sources.add(change.key);
    } else if (change.kind === 'node') put(this.nodes, change.key, change.after);
    else if (change.kind === 'tenant') put(this.tenants, change.key, change.after);
  }

  /** Adds a port that is not in the view. */
  addPort(port: Port): void {
    this.ports.set(port.name, port);
    if (port.prefixes.length > 0) {
      const routed = this.routedPorts.get(port.tenant) ?? new Map<string, Port>();
      this.routedPorts.set(port.tenant, routed.set(port.name, port));
    }
    if (this.hasProxies) this.#addMembers(port);
    if (this.isLocal(port)) {
      const ports = this.localPorts.get(port.tenant) ?? new Map<string, Port>();
      ports.set(port.name, port);
      this.localPorts.set(port.tenant, ports);
      if (port.migrate !== undefined) this.#addToPair(port.tenant, peerOf(port.migrate));
      return;
    }
    this.#addToPair(port.tenant, port.node);
  }

  #addMembers({ tenant, addresses }: Port): void {
    let members = this.members6.get(tenant);
    for (const address of addresses) {
      if (familyOf(address) === 4) continue;
      if (members === undefined) this.members6.set(tenant, (members = new SmallestSet(MAX_PROXY_NEIGHBOURS_PER_PORT)));
      members.add(address);
    }
  }

  #addToPair(tenant: string, node: string): void {
    let byNode = this.#pairs.get(tenant);
    if (byNode === undefined) this.#pairs.set(tenant, (byNode = new Map<string, RemoteSite>()));
    const pair = byNode.get(node);
    if (pair !== undefined) pair.ports += 1;
    else byNode.set(node, { tenant, node, ports: 1, memo: {} });
  }

  #removePort(port: Port): void {
    this.ports.delete(port.name);
    if (port.prefixes.length > 0) {
      const routed = this.routedPorts.get(port.tenant);
      routed?.delete(port.name);
      if (routed?.size === 0) this.routedPorts.delete(port.tenant);
    }
    const members = this.members6.get(port.tenant);
    for (const address of port.addresses) if (familyOf(address) === 6) members?.delete(address);
    if (members?.size === 0) this.members6.delete(port.tenant);
    if (this.isLocal(port)) {
      const ports = this.localPorts.get(port.tenant);
      ports?.delete(port.name);
      if (ports?.size === 0) this.localPorts.delete(port.tenant);
      if (port.migrate !== undefined) this.#removeFromPair(port.tenant, peerOf(port.migrate));
      return;
    }
    this.#removeFromPair(port.tenant, port.node);
  }

  #removeFromPair(tenant: string, node: string): void {
    const byNode = this.#pairs.get(tenant);
    const pair = byNode?.get(node);
    if (byNode === undefined || pair === undefined) return;
    pair.ports -= 1;
    if (pair.ports > 0) return;
    byNode.delete(node);
    if (byNode.size === 0) this.#pairs.delete(tenant);
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
