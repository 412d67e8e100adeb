import { familyOf } from 'netlink-ts/inet';
import { sourcesOf } from '../intent/sources.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from './numbers.js';
import { SmallestSet } from './smallest.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, IntentChange, IntentNode, NodeConfig, Port, Tenant } from '../intent/types.js';

/** What planning needs to know of the machine and the intent does not say. */
export interface NodeFacts {
  /** Smallest MTU of the uplinks, bytes. */
  uplinkMtu: number;
  /** Of the fast path; absent where the node file asks for none. */
  fastpath?: FastpathFacts;
  /** Of the program that answers neighbour solicitations where it asks for none; absent: entries of proxy NDP do. */
  responder?: ResponderFacts;
  /**
   * How IPv6 forwarding is turned on: by `force_forwarding` of the interfaces that need it (Linux 6.17), or for the whole host, which did not
   * forward before; absent: it forwarded before.
   */
  forwarding?: 'interfaces' | 'host';
  /** Network nodes that the underlay has no way to, sorted; absent where no route of the kernel's leads to one. */
  unreachableNodes?: readonly string[];
  /**
   * The node's own addresses that are in no VRF, sorted: beyond an external network they are nobody's. Absent where the node has no external
   * network.
   */
  ownAddresses?: readonly string[];
}

export interface ResponderFacts {
  /** Why the machine cannot have it. */
  missing?: string;
}

export interface FastpathFacts {
  /** Why the machine cannot: the kernel forwards alone. */
  missing?: string;
  /** Uplinks that get an XDP program too. */
  xdp: readonly string[];
}

/** What features remember of a `RemoteSite`; each adds its own. */
export interface PairMemo {}

/** A tenant on a node other than this one. */
export interface RemoteSite {
  tenant: string;
  node: string;
  /** Ports of the tenant there. */
  ports: number;
  /** What is the same for all of these ports, once it was asked for; given up when anything but ports changes. */
  memo: PairMemo;
}

/** An index of the intent that one feature keeps. */
export interface ViewPart {
  /** Moves on by changes. */
  apply(changes: readonly IntentChange[]): void;
}

/** Features' indexes of the intent, by the name that a view has each under; a feature adds its own. */
export interface ViewParts {}

export type ViewFactories = { readonly [P in keyof ViewParts]: (intent: Intent) => ViewParts[P] };

/** The intent indexed for planning, with what features keep of it. */
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

/** The same, as work that may be interrupted. */
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

/** The intent indexed for planning: each lookup that a port's plan needs costs the same whatever the intent's size. */
export class IntentIndex {
  readonly config: NodeConfig;
  facts: NodeFacts;
  sidBlock: string;
  /** Prefixes of the SR domain beyond the block, whose hosts are trusted as outer sources. */
  trusted: readonly string[];
  /** Outer sources of all nodes of the domain. */
  readonly sources: Set<string>;
  readonly nodes = new Map<string, IntentNode>();
  readonly tenants = new Map<string, Tenant>();
  readonly ports = new Map<string, Port>();
  /** Local ports by tenant name. */
  readonly localPorts = new Map<string, Map<string, Port>>();
  /** Ports with prefixes behind them, wherever they are, by tenant name. */
  readonly routedPorts = new Map<string, Map<string, Port>>();
  readonly parts: ViewPart[] = [];
  /** By tenant, then by node. */
  readonly #pairs = new Map<string, Map<string, RemoteSite>>();
  /** The IPv6 member addresses of a tenant that proxy entries may be made for. */
  readonly members6 = new Map<string, SmallestSet>();

  constructor(config: NodeConfig, facts: NodeFacts, intent: Intent) {
    this.config = config;
    this.facts = facts;
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

  /** What the fast path is to be; undefined: there is none. */
  get fastpath(): FastpathFacts | undefined {
    const { fastpath } = this.facts;
    return fastpath?.missing === undefined ? fastpath : undefined;
  }

  /** Whether a program answers neighbour solicitations at the ports, by the kernel's routes: kernel mode. */
  get usesNdpResponder(): boolean {
    const { responder } = this.facts;
    return responder !== undefined && responder.missing === undefined;
  }

  /** The fast path forwards alone (`dataplane: ebpf`): nothing of a tenant is in the kernel but the guard. */
  get ebpfOnly(): boolean {
    return this.config.dataplane === 'ebpf';
  }

  /** The host forwards IPv6 because segue asked for it: nothing but segue's packets may profit. */
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

  /** The tenant's ports on another node, undefined when it has none there. */
  pair(tenant: string, node: string): RemoteSite | undefined {
    return this.#pairs.get(tenant)?.get(node);
  }

  *pairs(): Generator<RemoteSite> {
    for (const byNode of this.#pairs.values()) yield* byNode.values();
  }

  tenant(name: string): Tenant {
    const tenant = this.tenants.get(name);
    if (tenant === undefined) throw new Error(`intent view: no tenant "${name}"`);
    return tenant;
  }

  /** Moves the view on by changes; the names they hold must resolve once all of them are in. */
  apply(changes: readonly IntentChange[]): void {
    for (const part of this.parts) part.apply(changes);
    for (const change of changes) {
      if (change.kind === 'port' && change.before !== undefined) this.#removePort(change.before);
    }
    for (const change of changes) this.#put(change);
    for (const change of changes) {
      if (change.kind === 'port' && change.after !== undefined) this.addPort(change.after);
    }
    if (changes.every((change) => change.kind === 'port')) return;
    for (const pair of this.pairs()) pair.memo = {};
  }

  /** Takes in a change of what is neither a port nor in a feature's index. */
  #put(change: IntentChange): void {
    if (change.kind === 'block') this.sidBlock = change.after ?? this.sidBlock;
    else if (change.kind === 'trusted') this.trusted = change.after ?? [];
    else if (change.kind === 'source') {
      if (change.after === undefined) this.sources.delete(change.key);
      else this.sources.add(change.key);
    } else if (change.kind === 'node') put(this.nodes, change.key, change.after);
    else if (change.kind === 'tenant') {
      put(this.tenants, change.key, change.after);
      if (change.after === undefined) this.members6.delete(change.key);
    }
  }

  /** Adds a port that the view does not have. */
  addPort(port: Port): void {
    this.ports.set(port.name, port);
    if (port.prefixes.length > 0) {
      const routed = this.routedPorts.get(port.tenant) ?? new Map<string, Port>();
      this.routedPorts.set(port.tenant, routed.set(port.name, port));
    }
    let members = this.members6.get(port.tenant);
    for (const address of port.addresses) {
      if (familyOf(address) === 4) continue;
      if (members === undefined) {
        this.members6.set(port.tenant, (members = new SmallestSet(MAX_PROXY_NEIGHBOURS_PER_PORT)));
      }
      members.add(address);
    }
    if (this.isLocal(port)) {
      const ports = this.localPorts.get(port.tenant) ?? new Map<string, Port>();
      ports.set(port.name, port);
      this.localPorts.set(port.tenant, ports);
      return;
    }
    let byNode = this.#pairs.get(port.tenant);
    if (byNode === undefined) this.#pairs.set(port.tenant, (byNode = new Map<string, RemoteSite>()));
    const pair = byNode.get(port.node);
    if (pair !== undefined) pair.ports += 1;
    else byNode.set(port.node, newPair(port));
  }

  #removePort(port: Port): void {
    this.ports.delete(port.name);
    if (port.prefixes.length > 0) {
      const routed = this.routedPorts.get(port.tenant);
      routed?.delete(port.name);
      if (routed?.size === 0) this.routedPorts.delete(port.tenant);
    }
    for (const address of port.addresses) {
      if (familyOf(address) === 6) this.members6.get(port.tenant)?.delete(address);
    }
    if (this.isLocal(port)) {
      const ports = this.localPorts.get(port.tenant);
      ports?.delete(port.name);
      if (ports?.size === 0) this.localPorts.delete(port.tenant);
      return;
    }
    const byNode = this.#pairs.get(port.tenant);
    const pair = byNode?.get(port.node);
    if (byNode === undefined || pair === undefined) return;
    pair.ports -= 1;
    if (pair.ports > 0) return;
    byNode.delete(port.node);
    if (byNode.size === 0) this.#pairs.delete(port.tenant);
  }
}

function newPair({ tenant, node }: Port): RemoteSite {
  return { tenant, node, ports: 1, memo: {} };
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
