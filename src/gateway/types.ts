/** Gateways, external networks and policies in the intent. Checked and canonical, like all of it (src/intent/types.ts). */

/** A named set of network nodes. A tenant has at most one gateway. */
export interface Gateway {
  name: string;
  /** Names of nodes, sorted. */
  nodes: string[];
  /** Names of tenants, sorted. */
  tenants: string[];
}

/** A network that a gateway's nodes reach by a separate interface. */
export interface External {
  name: string;
  /** Name of the gateway. */
  gateway: string;
  /** Name of the network device on the gateway's nodes. */
  interface: string;
  /** Sorted; no two external networks of a gateway share a prefix. */
  prefixes: string[];
}

/** One end of a policy: a tenant or an external network, as a whole or only these prefixes. */
export type PolicyEnd = ({ tenant: string } | { external: string }) & { prefixes?: string[] };

/** `icmp` is ICMP and ICMPv6. */
export type PolicyProtocol = 'tcp' | 'udp' | 'icmp' | 'any';

/** Allows or denies opening connections from one end to the other; replies follow their connection. */
export interface Policy {
  name: string;
  from: PolicyEnd;
  to: PolicyEnd;
  protocol: PolicyProtocol;
  /** Destination ports, ascending and disjoint: a number, or `first-last`. Absent: all. */
  ports?: (number | string)[];
  action: 'allow' | 'deny';
  log?: true;
  /** The lowest matching priority decides; among equal ones a denial. */
  priority: number;
}
