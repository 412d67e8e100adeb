import type { PolicySet } from './policy-set.js';

/** Entries of the gateway maps, as the plan holds them. */

/** Planned on hypervisors of gateways' tenants and on their network nodes. */
export interface GatewayFlows {
  /** Number of flows for which the network node is kept. */
  flows: number;
}

/** This node as a network node. */
export interface OwnNetworkNode {
  /** Number of this node among the network nodes; absent if it is none. */
  self?: number;
}

/** A network node and the underlay destination for it. */
export interface NetworkNodeWay {
  number: number;
  /** Locator, as in `bpf-underlay`: the node is down without next hops to it. Absent: this node itself. */
  underlay?: string;
  /** Outer source of this node, on which routes may depend. */
  from: string;
}

/** A network node, as other nodes see it. */
export interface GatewayNode extends NetworkNodeWay {
  /** Its outer source address. */
  source: string;
}

/** The network nodes of a gateway, sorted by name. Its Maglev tables contain those that are up. */
export interface GatewayMaglev {
  number: number;
  /** Nodes that accept new flows. */
  active: readonly string[];
  /** These and draining nodes. */
  all: readonly string[];
  /** All of them by name. */
  nodes: Readonly<Record<string, NetworkNodeWay>>;
}

/** The encapsulation from a tenant to a network node. */
export interface GatewayEncap {
  tenant: number;
  /** Number of the network node. */
  node: number;
  /** Key of a `bpf-encap`. */
  encap: string;
}

/** A tenant or an external network that this network node serves. */
export interface OwnZone {
  zone: number;
}

/** Where a zone's packets arrive: a gateway SID, or an interface with allowed sources. */
export interface ZoneSource {
  zone: number;
  gateway: number;
  /** Set for an external network. */
  device?: string;
  /** For packets from the network's interface whose source is no address of the network. */
  outside?: true;
}

/** The source of ICMP errors to senders in a prefix of a zone: the gateway of a tenant's subnet, or an address of an external interface. */
export interface IcmpSource {
  zone: number;
  address?: string;
  device?: string;
}

/** The zone of a destination address, for packets from another zone. */
export interface ZonePrefix {
  from: number;
  to: number;
  gateway: number;
  /** Largest packet in bytes, if known. */
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
