import { behavioursOf } from '../encap/sid.js';
import { OUTER_HEADER_BYTES, reducedSrhBytes } from '../encap/mtu.js';
import { familyOf } from '../net/address.js';
import { sourcesOf } from '../intent/sources.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from './numbers.js';
import { SteeringView } from '../gateway/view.js';
import { SmallestSet } from './smallest.js';
import type { Steps } from '../reconcile/steps.js';
import type { ZoneName } from '../gateway/view.js';
import type { RemoteEndpoint } from '../ebpf/objects.js';
import type { Behaviours, Intent, IntentChange, IntentNode, NodeConfig, Path, Port, Tenant } from '../intent/types.js';

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

/** A tenant on a node other than this one. */
export interface RemoteSite {
  tenant: string;
  node: string;
  /** Ports of the tenant there. */
  ports: number;
  /** Key of its IPv4 next hop, once it was asked for: it is the same for all routes there. */
  inet: string | undefined;
  /** Key of its IPv6 next hop. */
  inet6: string | undefined;
  /** Where the fast path has its IPv4 addresses: one value for all of them. */
  place: RemoteEndpoint | undefined;
  /** Its IPv6 addresses. */
  place6: RemoteEndpoint | undefined;
}

const NO_SEGMENTS: readonly string[] = [];

/** The intent indexed for planning: each lookup that a port's plan needs costs the same whatever the intent's size. */
export class IntentView {
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
  /** Gateways and policies. */
  readonly steering: SteeringView;
  /** By tenant, then by node. */
  readonly #pairs = new Map<string, Map<string, RemoteSite>>();
  /** The IPv6 member addresses of a tenant that proxy entries may be made for. */
  readonly members6 = new Map<string, SmallestSet>();
  readonly #paths = new Map<string, Path>();
  readonly #mtu = new Map<string, number>();
  #usesGateways: boolean | undefined;

  constructor(config: NodeConfig, facts: NodeFacts, intent: Intent) {
    this.config = config;
    this.facts = facts;
    this.sidBlock = intent.sidBlock;
    this.trusted = intent.trusted ?? [];
    this.sources = new Set(sourcesOf(intent));
    for (const node of intent.nodes) this.nodes.set(node.name, node);
    for (const tenant of intent.tenants) this.tenants.set(tenant.name, tenant);
    for (const path of intent.paths) this.#addPath(path);
    for (const port of intent.ports) this.#addPort(port);
    this.steering = new SteeringView(intent);
  }

  /** The same as the constructor, as work that may be interrupted. */
  static *steps(config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<IntentView> {
    const view = new IntentView(config, facts, { ...intent, ports: [] });
    for (const port of intent.ports) {
      view.#addPort(port);
      yield;
    }
    return view;
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

  /** Whether this node is a network node that can decide. */
  get isNetworkNode(): boolean {
    return this.fastpath !== undefined && this.steering.isNetworkNode(this.config.node);
  }

  /** Whether the fast path shares out flows of hosted tenants among the network nodes of their gateways. */
  get usesGateways(): boolean {
    this.#usesGateways ??=
      this.fastpath !== undefined &&
      [...this.localPorts.keys()].some((tenant) => this.steering.gatewayOf(tenant) !== undefined);
    return this.#usesGateways;
  }

  /** Whether this node decides, as a network node, what goes out of and into a zone. */
  decidesFor(zone: ZoneName): boolean {
    return this.fastpath !== undefined && this.steering.isNetworkNodeOf(this.config.node, zone);
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

  /** What a node's SIDs are: as the intent says of it, else as this node's own file says. */
  behaviours(node: IntentNode): Behaviours {
    return node.behaviours ?? this.config.behaviours;
  }

  localBehaviours(): ReturnType<typeof behavioursOf> {
    return behavioursOf(this.behaviours(this.self));
  }

  /** Transit segments for a tenant's traffic to a node: the path that names the tenant, else the one for all. */
  transit(tenant: string, node: string): readonly string[] {
    if (this.#paths.size === 0) return NO_SEGMENTS;
    return (this.#paths.get(`${node} ${tenant}`) ?? this.#paths.get(node))?.via ?? NO_SEGMENTS;
  }

  /** Paths to a node, of all tenants. */
  pathsTo(node: string): Path[] {
    return [...this.#paths.values()].filter(({ to }) => to === node);
  }

  /** Segments that paths begin with, each once. */
  firstSegments(): Set<string> {
    return new Set([...this.#paths.values()].flatMap(({ via }) => via.slice(0, 1)));
  }

  isFirstSegment(segment: string): boolean {
    for (const { via } of this.#paths.values()) if (via[0] === segment) return true;
    return false;
  }

  /** Bytes of a tenant's largest inner packet: what the underlay takes, less the longest encapsulation of the tenant. */
  tenantMtu(tenant: Tenant): number {
    const known = this.#mtu.get(tenant.name);
    if (known !== undefined) return known;
    let segments = 1;
    for (const path of this.#paths.values()) {
      segments = Math.max(segments, 1 + this.transit(tenant.name, path.to).length);
    }
    const underlay = (this.config.mtu ?? this.facts.uplinkMtu) - OUTER_HEADER_BYTES - reducedSrhBytes(segments);
    const mtu = Math.min(tenant.mtu ?? Infinity, underlay);
    this.#mtu.set(tenant.name, mtu);
    return mtu;
  }

  /** Moves the view on by changes; the names they hold must resolve once all of them are in. */
  apply(changes: readonly IntentChange[]): void {
    this.#usesGateways = undefined;
    this.steering.apply(changes);
    for (const change of changes) {
      if (change.kind === 'port' && change.before !== undefined) this.#removePort(change.before);
    }
    for (const change of changes) {
      switch (change.kind) {
        case 'block':
          if (change.after !== undefined) this.sidBlock = change.after;
          break;
        case 'trusted':
          this.trusted = change.after ?? [];
          break;
        case 'source':
          if (change.after === undefined) this.sources.delete(change.key);
          else this.sources.add(change.key);
          break;
        case 'node':
          put(this.nodes, change.key, change.after);
          break;
        case 'tenant':
          put(this.tenants, change.key, change.after);
          if (change.after === undefined) this.members6.delete(change.key);
          break;
        case 'path':
          if (change.before !== undefined) this.#removePath(change.before);
          break;
        case 'port':
        case 'gateway':
        case 'external':
        case 'policy':
          break;
      }
    }
    for (const change of changes) {
      if (change.kind === 'path' && change.after !== undefined) this.#addPath(change.after);
      if (change.kind === 'port' && change.after !== undefined) this.#addPort(change.after);
    }
    if (changes.every((change) => change.kind === 'port')) return;
    this.#mtu.clear();
    for (const pair of this.pairs()) {
      pair.inet = pair.inet6 = undefined;
      pair.place = pair.place6 = undefined;
    }
  }

  #addPath(path: Path): void {
    for (const key of pathKeys(path)) this.#paths.set(key, path);
  }

  #removePath(path: Path): void {
    for (const key of pathKeys(path)) this.#paths.delete(key);
  }

  #addPort(port: Port): void {
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
  return { tenant, node, ports: 1, inet: undefined, inet6: undefined, place: undefined, place6: undefined };
}

/** A path is found by "node tenant", or by the node alone when it is for every tenant; names have no spaces. */
function pathKeys(path: Path): string[] {
  return path.tenants === undefined ? [path.to] : path.tenants.map((tenant) => `${path.to} ${tenant}`);
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
