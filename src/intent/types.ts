/**
 * The intent as the rest of segue sees it: checked and canonical. Addresses and prefixes are canonical text (RFC 5952
 * for IPv6, dotted quads for IPv4), MAC addresses are lower case with colons, so two values are equal when their text is.
 * The order of entities carries no meaning; names are the keys.
 */

/** What the cloud wants, the same on every node. */
export interface Intent {
  version: 1;
  /** Prefix every locator lies in and no tenant may send to, e.g. `fd00:5e::/32`. */
  sidBlock: string;
  /**
   * Prefixes of SRv6 nodes that are no nodes of this intent, sorted: part of the SR domain, and trusted as outer sources. Absent when
   * there are none.
   */
  trusted?: string[];
  /**
   * Outer sources that packets of the domain's nodes may have, sorted, each once: of ALL nodes of the cloud. Present where the
   * intent was scoped to a node, whose `nodes` are not all; see sourcesOf.
   */
  sources?: string[];
  nodes: IntentNode[];
  tenants: Tenant[];
  ports: Port[];
  /** Traffic engineering: transit segments towards a node. Empty when the file has none. */
  paths: Path[];
  /** Sets of network nodes that decide what goes from one tenant to another. Absent when there are none. */
  gateways?: Gateway[];
  /** Networks beyond the network nodes. Absent when there are none. */
  externals?: External[];
  /** What may go between tenants, and between tenants and external networks. Absent when there are none. */
  policies?: Policy[];
}

/** A hypervisor or network node. */
export interface IntentNode {
  name: string;
  /** The node's /48 locator: its SIDs (RFC 8986 section 3.1) are made from it. */
  locator: string;
  /** Outer source address of what the node encapsulates; the locator's `::1` unless the file says otherwise. */
  source: string;
  /** Further outer sources that are taken for this node's, sorted: while `source` changes, the new one first and the old one after. */
  acceptedSources?: string[];
  /** The node's local SIDs, where the intent says it; else each node's file speaks for all of them. */
  behaviours?: Behaviours;
  /** Gets no new flows as a network node; those that it has stay. */
  drain?: true;
}

/** `copy`: the inner DSCP is copied out; `zero`: 0; a number 0..63: that code point. */
export type DscpPolicy = 'copy' | 'zero' | number;

export interface Tenant {
  name: string;
  /** 1..16777215 (24 bits). */
  id: number;
  subnets: Subnet[];
  dscp: DscpPolicy;
  /** Bytes of the largest inner packet; absent: uplink MTU less the encapsulation. */
  mtu?: number;
  /** Of the tenant's gateway, at every port on every node; absent: made of the id (gateway-mac.ts). */
  gatewayMac?: string;
}

export interface Subnet {
  prefix: string;
  /** Host address, without a length, inside `prefix`. */
  gateway: string;
}

/** A VM's interface. */
export interface Port {
  name: string;
  /** Name of the tenant. */
  tenant: string;
  /** Name of the node the interface is on. */
  node: string;
  /** Name of the network device on that node; at most 15 bytes (IFNAMSIZ - 1). */
  interface: string;
  mac: string;
  /** Host addresses of the VM, without a length, each inside one of the tenant's subnets. */
  addresses: string[];
  /** Prefixes routed to the VM, behind its addresses. */
  prefixes: string[];
}

/** Transit segments for traffic to a node. A path is known by (to, tenants). */
export interface Path {
  /** Name of the destination node. */
  to: string;
  /** SIDs visited, in this order, before the tenant's SID on `to`; at least one. */
  via: string[];
  /** Names of the tenants it holds for, sorted; absent: every tenant that no other path to the node names. */
  tenants?: string[];
}

/** A named set of network nodes. A tenant has one gateway at most. */
export interface Gateway {
  name: string;
  /** Names of nodes, sorted. */
  nodes: string[];
  /** Names of tenants, sorted. */
  tenants: string[];
}

/** A network that a gateway's nodes reach by an interface of theirs. */
export interface External {
  name: string;
  /** Name of the gateway. */
  gateway: string;
  /** Name of the network device on the gateway's nodes. */
  interface: string;
  /** Sorted; no two externals of a gateway have an equal one. */
  prefixes: string[];
}

/** One end of a policy: a tenant or an external network, all of it or these prefixes. */
export type PolicyEnd = ({ tenant: string } | { external: string }) & { prefixes?: string[] };

/** `icmp` is ICMP and ICMPv6. */
export type PolicyProtocol = 'tcp' | 'udp' | 'icmp' | 'any';

/** What may be opened from one end to the other; replies follow their connection. */
export interface Policy {
  name: string;
  from: PolicyEnd;
  to: PolicyEnd;
  protocol: PolicyProtocol;
  /** Destination ports, ascending and apart: a number, or `first-last`. Absent: all. */
  ports?: (number | string)[];
  action: 'allow' | 'deny';
  log?: true;
  /** The lowest that matches decides; of equal ones a denial. */
  priority: number;
}

export type Dataplane = 'hybrid' | 'kernel' | 'ebpf';
export type XdpMode = 'auto' | 'always' | 'never';
/** One End.DT46 a tenant and node, or End.DT4 and End.DT6 apart (RFC 8986 sections 4.6 to 4.8). */
export type Behaviours = ['dt46'] | ['dt4', 'dt6'];

/** The feeds of a fleet, as a node reaches them. */
export interface FeedsConfig {
  /** `host:port`, one or more. */
  endpoints: string[];
  /** Absolute paths of PEM files. */
  tls: { ca: string; cert: string; key: string };
}

/** The node file, with its defaults filled in. */
export interface NodeConfig {
  /** The node's name in the intent. */
  node: string;
  /** Named network namespace (as of `ip netns`) to work in; absent: the agent's own. */
  netns?: string;
  /** Names of the underlay interfaces, at least one. */
  uplinks: string[];
  dataplane: Dataplane;
  xdp: XdpMode;
  behaviours: Behaviours;
  /** Absolute path of the intent file; with `feeds` of the cache of what they told. */
  intent: string;
  /** Who tells the node its part of the intent, in place of a file. */
  feeds?: FeedsConfig;
  /** Bytes of the largest packet the underlay takes; absent: the smallest MTU of the uplinks. */
  mtu?: number;
  /** Interfaces of the SR domain without programs of segue's, such as one towards a downstream router. Absent when there are none. */
  inside?: string[];
  /** False: encapsulated packets are taken from whatever outer source. Absent: from nodes and trusted prefixes alone. */
  sourceCheck?: false;
  /** Where the route for the locator stands that routing daemons redistribute; absent: Linux's main table. */
  announce?: { table: number } | 'none';
  /** Where the agent's API is beside its Unix socket; absent: nowhere. */
  api?: ApiConfig;
}

/** An address for the agent's API, over TLS with certificates on both sides. */
export interface ApiConfig {
  listen: { address: string; port: number };
  /** Absolute paths of PEM files. */
  tls: { cert: string; key: string; clientCa: string };
  /** DNS names in certificates of clients that may have something changed; absent: none may. */
  operators?: string[];
}

/** One entity as it was and as it is: no `before` when it is new, no `after` when it is gone. */
export interface Change<Kind extends string, Value> {
  kind: Kind;
  /** What tells the entity from others of its kind: the name; for a path `pathKey`; for the block `sidBlock`, for the trusted prefixes `trusted`. */
  key: string;
  before?: Value;
  after?: Value;
}

export type IntentChange =
  | Change<'block', string>
  | Change<'trusted', string[]>
  /** An outer source of the domain; the key is the value. */
  | Change<'source', string>
  | Change<'node', IntentNode>
  | Change<'tenant', Tenant>
  | Change<'port', Port>
  | Change<'path', Path>
  | Change<'gateway', Gateway>
  | Change<'external', External>
  | Change<'policy', Policy>;
