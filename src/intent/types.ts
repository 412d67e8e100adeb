/**
 * The intent in its checked and canonical form. Addresses and prefixes are canonical text (RFC 5952 for IPv6, dotted quads for IPv4), and MAC
 * addresses are lower case with colons, so values are equal if their texts are. The order of entities has no meaning; names are the keys.
 */

/** The desired state of the cloud, the same on every node. Features declare their own lists (part.ts). */
export interface Intent {
  version: 1;
  /** Prefix that contains all locators and to which tenants must not send, such as `fd00:5e::/32`. */
  sidBlock: string;
  /**
   * Prefixes of SRv6 nodes outside this intent, sorted: part of the SR domain, and trusted as outer sources. Absent if there are none.
   */
  trusted?: string[];
  /**
   * Outer sources of the nodes of the whole domain, sorted, without duplicates. Present only in an intent that was scoped to a node, whose `nodes`
   * are incomplete; see sourcesOf.
   */
  sources?: string[];
  nodes: IntentNode[];
  tenants: Tenant[];
  ports: Port[];
}

/** A hypervisor or network node. */
export interface IntentNode {
  name: string;
  /** The node's /48 locator, which contains its SIDs (RFC 8986 section 3.1). */
  locator: string;
  /** Outer source address of packets that the node encapsulates; default: the locator's `::1`. */
  source: string;
  /**
   * Further outer sources that are accepted as this node's, sorted. While `source` changes they contain first the new address, then the old one.
   */
  acceptedSources?: string[];
  /** Behaviours of the node's local SIDs; absent: each node's own file applies to all nodes. */
  behaviours?: Behaviours;
  /** As a network node it gets no new flows, and keeps existing ones. */
  drain?: true;
}

/** `copy`: copies the inner DSCP to the outer header; `zero`: 0; a number 0..63: that code point. */
export type DscpPolicy = 'copy' | 'zero' | number;

export interface Tenant {
  name: string;
  /** 1..16777215 (24 bits). */
  id: number;
  subnets: Subnet[];
  dscp: DscpPolicy;
  /** Largest inner packet in bytes; absent: the uplink MTU without the encapsulation. */
  mtu?: number;
  /** MAC address of the tenant's gateway at all ports of all nodes; absent: derived from the id (gateway-mac.ts). */
  gatewayMac?: string;
}

export interface Subnet {
  prefix: string;
  /** Host address inside `prefix`, without a length. */
  gateway: string;
}

/** A VM's interface. */
export interface Port {
  name: string;
  /** Name of the tenant. */
  tenant: string;
  /** Name of the node with the interface. */
  node: string;
  /** Name of the network device on that node; at most 15 bytes (IFNAMSIZ - 1). */
  interface: string;
  mac: string;
  /** Host addresses of the VM, without lengths, each inside one of the tenant's subnets. */
  addresses: string[];
  /** Prefixes that are routed to the VM via its addresses. */
  prefixes: string[];
}

export type Dataplane = 'hybrid' | 'kernel' | 'ebpf';
export type XdpMode = 'auto' | 'always' | 'never';
/** One End.DT46 for each tenant and node, or separate End.DT4 and End.DT6 (RFC 8986 sections 4.6 to 4.8). */
export type Behaviours = ['dt46'] | ['dt4', 'dt6'];

/** The feeds of a fleet, from which a node gets its part of the intent. */
export interface FeedsConfig {
  /** `host:port`, one or more. */
  endpoints: string[];
  /** Absolute paths of PEM files. */
  tls: { ca: string; cert: string; key: string };
}

/** The node file with defaults applied. */
export interface NodeConfig {
  /** The node's name in the intent. */
  node: string;
  /** Named network namespace (`ip netns`) to work in; absent: the agent's own. */
  netns?: string;
  /** Names of the underlay interfaces, at least one. */
  uplinks: string[];
  dataplane: Dataplane;
  xdp: XdpMode;
  behaviours: Behaviours;
  /** Absolute path of the intent file; with `feeds`, of the cache of the node's part. */
  intent: string;
  /** The feeds that replace the intent file. */
  feeds?: FeedsConfig;
  /** Largest packet of the underlay in bytes; absent: the smallest MTU of the uplinks. */
  mtu?: number;
  /** Interfaces of the SR domain without segue's programs, such as one to a downstream router. Absent if there are none. */
  inside?: string[];
  /** False: encapsulated packets are accepted from any outer source. Absent: only from nodes and trusted prefixes. */
  sourceCheck?: false;
  /** Table of the locator's route that routing daemons redistribute; absent: Linux's main table. */
  announce?: { table: number } | 'none';
  /** Address of the agent's API in addition to its Unix socket; absent: none. */
  api?: ApiConfig;
  /** The metadata service for VMs; absent: none. */
  metadata?: MetadataConfig;
  /** The DNS service for VMs; absent: none. */
  dns?: DnsConfig;
  /** The /32 between ports and services of the node; absent: a default for the machine. */
  servicePrefix?: string;
}

/** The metadata service for VMs: it answers from the intent (`files`), or forwards to an upstream such as Nova. */
export interface MetadataConfig {
  from: 'files' | { upstream: string; secret: string };
  /** Requests per second and port. */
  rate: number;
  /** TTL and hop limit of packets to VMs: 1 keeps hosts behind a VM from using the service. */
  hopLimit: number;
}

/** The DNS service for VMs: it passes queries to a resolver of the node. */
export interface DnsConfig {
  /** Address of the resolver, in the host's network. */
  resolver: string;
  /** UDP and TCP port of the resolver. */
  port: number;
  /** Queries per second and port of a VM. */
  rate: number;
}

/** An address of the agent's API, with TLS and certificates on both sides. */
export interface ApiConfig {
  listen: { address: string; port: number };
  /** Absolute paths of PEM files. */
  tls: { cert: string; key: string; clientCa: string };
  /** DNS names in certificates of clients that may request changes; absent: none may. */
  operators?: string[];
}

/** An entity before and after a change: without `before` it is new, without `after` it is gone. */
export interface Change<Kind extends string, Value> {
  kind: Kind;
  /**
   * Key of the entity, unique within its kind: its name, or as its list defines (part.ts); `sidBlock` for the block, `trusted` for the trusted
   * prefixes.
   */
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
  | ListChange;

/** Features' lists of entities by their keys, which are also fields of `Intent`. */
export interface IntentLists {}

/** A list of entities: the kind of their changes, and their type. */
export interface ListOf<Kind extends string, Value> {
  kind: Kind;
  entity: Value;
}

type ListChange = {
  [L in keyof IntentLists]: Change<IntentLists[L]['kind'], IntentLists[L]['entity']>;
}[keyof IntentLists];
