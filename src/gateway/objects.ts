import type { PolicySet } from './policy-set.js';

/** What a network node's maps mean, in the plan's terms. */

/** The node has to do with gateways, as hypervisor of their tenants or as one of their nodes. */
export interface GatewayFlows {
  /** Flows of which it remembers the network node. */
  flows: number;
}

/** The node as a network node. */
export interface OwnNetworkNode {
  /** Number of this node among the network nodes; absent: it is none. */
  self?: number;
}

/** A network node and the way there. */
export interface NetworkNodeWay {
  number: number;
  /** Locator, as of a `bpf-underlay`: without a way there the node is down. Absent: this node itself. */
  underlay?: string;
  /** Outer source of this node: routes may depend on it. */
  from: string;
}

/** A network node, as nodes that send to it know it. */
export interface GatewayNode extends NetworkNodeWay {
  /** Its outer source address. */
  source: string;
}

/** Which network node a flow has: names of nodes, sorted. The table is made of those that are up. */
export interface GatewayMaglev {
  number: number;
  /** Those that take new flows. */
  active: readonly string[];
  /** Those that drain, too. */
  all: readonly string[];
  /** Each of them, by name. */
  nodes: Readonly<Record<string, NetworkNodeWay>>;
}

/** The way of a tenant to a network node. */
export interface GatewayEncap {
  tenant: number;
  /** Number of the network node. */
  node: number;
  /** Key of a `bpf-encap`. */
  encap: string;
}

/** A tenant or an external network that this node decides for: its counters. */
export interface OwnZone {
  zone: number;
}

/** Where packets of a zone arrive: a gateway SID, or an interface with the sources that may come by it. */
export interface ZoneSource {
  zone: number;
  gateway: number;
  /** Of an external network. */
  device?: string;
  /** Its interface, but no address of the network. */
  outside?: true;
}

/** Which address tells senders in a prefix of a zone of errors: the gateway of a tenant's subnet, or of an interface what address it has. */
export interface IcmpSource {
  zone: number;
  address?: string;
  device?: string;
}

/** Which zone an address is in, seen from another. */
export interface ZonePrefix {
  from: number;
  to: number;
  gateway: number;
  /** Bytes of the largest packet there, where that is known. */
  mtu?: number;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `flows` */
    'gw-flows': GatewayFlows;
    /** key: `<tenant id> <number of a network node>` */
    'gw-encap': GatewayEncap;
    /** key: name of a gateway */
    'gw-maglev': GatewayMaglev;
    /** key: name of a node */
    'gw-node': GatewayNode;
    /** key: `node` */
    'nn-node': OwnNetworkNode;
    /** key: zone id */
    'nn-zone': OwnZone;
    /** key: `<zone id> <prefix>` */
    'nn-route': ZonePrefix;
    /** key: `<zone id> <prefix>` */
    'nn-icmp-source': IcmpSource;
    /** key: `<zone id> <zone id>`, from and to */
    'nn-policies': PolicySet;
    /** key: `<device> <prefix>` */
    'nn-external': ZoneSource;
    /** key: SID */
    'nn-sid': ZoneSource;
  }
}
