/**
 * The kernel's networking objects as typed values: what dumps and notifications decode to, and (the …Spec types) what
 * create and replace take. Every decoded object is also a valid spec of itself.
 * Addresses, prefixes and MACs are canonical text (src/net); numbers are the kernel's own unless said otherwise.
 */

import type { Nexthop, Route } from './route-types.js';

export type * from './route-types.js';

export type AddressFamily = 4 | 6;

/** IF_OPER_* in the words of /sys/class/net/<dev>/operstate (RFC 2863). */
export type OperState = 'unknown' | 'notpresent' | 'down' | 'lowerlayerdown' | 'testing' | 'dormant' | 'up';

export interface Link {
  index: number;
  name: string;
  /** rtnl_link kind: 'vrf', 'veth', 'tun'…; absent for physical devices and lo */
  kind?: string;
  /** kind as a member of its master: 'vrf', 'bridge'… */
  slaveKind?: string;
  /** administratively up (IFF_UP) */
  up: boolean;
  /** IFF_* */
  flags: number;
  /** bytes */
  mtu: number;
  /** ARPHRD_* */
  type: number;
  mac?: string;
  /** ifindex of the VRF or bridge it is a member of */
  master?: number;
  /** at its root; 'noop' until it is up for the first time */
  qdisc?: string;
  alias?: string;
  altNames: string[];
  /** routing table of a VRF device */
  vrfTable?: number;
  operState: OperState;
  carrier?: boolean;
  /** ifindex of the other end of a veth, or the lower device; in linkNetnsId's namespace when that is set */
  linkIndex?: number;
  linkNetnsId?: number;
  /** XDP program attached: IFLA_XDP_ATTACHED mode number and program id */
  xdp?: { attached: number; programId?: number };
  numTxQueues?: number;
  numRxQueues?: number;
}

/** No alias: the kernel silently ignores one at creation (rtnl_create_link). Use setLink. */
export interface LinkSpec {
  name: string;
  kind: 'vrf' | 'veth' | 'bridge' | 'dummy';
  /** VRF only, required there */
  vrfTable?: number;
  /** veth only: the other end, optionally born in another network namespace */
  peer?: VethPeerSpec;
  /** ifindex to ask for; 0 or absent lets the kernel choose */
  index?: number;
  up?: boolean;
  mtu?: number;
  mac?: string;
  master?: number;
  numTxQueues?: number;
  numRxQueues?: number;
}

/** The peer is born down: the kernel brings it up before the two are joined, which fails (ENOTCONN). Use setLink. */
export interface VethPeerSpec {
  name: string;
  mtu?: number;
  mac?: string;
  /** namespace by open file descriptor or by process id; not both */
  netnsFd?: number;
  netnsPid?: number;
  numTxQueues?: number;
  numRxQueues?: number;
}

/** What `setLink` may change; absent means leave. */
export interface LinkChange {
  up?: boolean;
  mtu?: number;
  mac?: string;
  /** ifindex; 0 takes it out of its master */
  master?: number;
  /** '' removes it */
  alias?: string;
  /** new name; the kernel refuses it for some devices that are up */
  name?: string;
  /** move to another network namespace */
  netnsFd?: number;
  netnsPid?: number;
  txQueueLength?: number;
}

export type RuleAction = 'table' | 'goto' | 'nop' | 'blackhole' | 'unreachable' | 'prohibit';

export interface Rule {
  family: AddressFamily;
  /** preference; lower first */
  priority: number;
  /** prefixes; absent: all */
  from?: string;
  to?: string;
  iif?: string;
  oif?: string;
  /** 0 for actions other than 'table' and for l3mdev */
  table: number;
  action: RuleAction;
  protocol: number;
  l3mdev: boolean;
  fwmark?: number;
  fwmask?: number;
  tos?: number;
  /** priority of the rule to go on with; action 'goto' */
  gotoTarget?: number;
  invert?: boolean;
  suppressPrefixLength?: number;
  suppressIfgroup?: number;
  ipProtocol?: number;
  sourcePorts?: { start: number; end: number };
  destinationPorts?: { start: number; end: number };
  uidRange?: { start: number; end: number };
  tunnelId?: bigint;
  /** FIB_RULE_*: e.g. 8 iif detached */
  flags: number;
}

export type RuleSpec = Omit<Rule, 'protocol' | 'l3mdev' | 'table' | 'action' | 'flags'> & {
  table?: number;
  /** default 'table' */
  action?: RuleAction;
  protocol?: number;
  l3mdev?: boolean;
  flags?: number;
};

/** NUD_* states of a neighbour. */
export const NeighbourState = {
  none: 0x00,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;

/** Some of Neighbour.flags: NTF_* (linux/neighbour.h), NTF_EXT_* shifted left by 8. */
export const NeighbourFlag = {
  /** the kernel is to resolve it now */
  use: 0x01,
  /** the kernel keeps it resolved, whether anything is sent to it or not (Linux 5.16) */
  managed: 0x100,
} as const;

export interface Neighbour {
  ifindex: number;
  family: AddressFamily;
  address: string;
  mac?: string;
  /** NUD_*, see NeighbourState */
  state: number;
  /** a proxy entry: the kernel answers for this address */
  proxy: boolean;
  /** NTF_* (bits 0–7) and NTF_EXT_* shifted left by 8 */
  flags: number;
  /** who made it, RTPROT_*; entries the kernel made have none */
  protocol?: number;
  /** seconds since confirmed, used, updated; absent in proxy entries */
  ages?: { confirmed: number; used: number; updated: number };
}

export type NeighbourSpec = Omit<Neighbour, 'state' | 'proxy' | 'flags' | 'ages' | 'family'> & {
  family?: AddressFamily;
  /** default permanent; proxy entries have none */
  state?: number;
  proxy?: boolean;
  flags?: number;
};

export interface InterfaceAddress {
  ifindex: number;
  family: AddressFamily;
  /** the interface's own address (IFA_LOCAL) */
  address: string;
  /** prefix length in bits */
  length: number;
  /** RT_SCOPE_* */
  scope: number;
  /** IFA_F_*, 32 bits */
  flags: number;
  noprefixroute: boolean;
  nodad: boolean;
  tentative: boolean;
  dadfailed: boolean;
  permanent: boolean;
  /** far end of a point-to-point address */
  peer?: string;
  broadcast?: string;
  label?: string;
  /** metric of the prefix route */
  metric?: number;
  /** IFAPROT_* */
  protocol?: number;
  /** lifetimes in seconds; absent: forever */
  preferredLifetime?: number;
  validLifetime?: number;
}

export interface InterfaceAddressSpec {
  ifindex: number;
  address: string;
  length: number;
  /** default as ip has it: host for loopback addresses, else global; the kernel works out IPv6 itself */
  scope?: number;
  /** IFA_F_* to add to those below */
  flags?: number;
  noprefixroute?: boolean;
  nodad?: boolean;
  peer?: string;
  broadcast?: string;
  label?: string;
  metric?: number;
  protocol?: number;
  preferredLifetime?: number;
  validLifetime?: number;
}

/** An object in a notification. */
export type NetlinkObject =
  | { kind: 'link'; value: Link }
  | { kind: 'address'; value: InterfaceAddress }
  | { kind: 'route'; value: Route }
  | { kind: 'nexthop'; value: Nexthop }
  | { kind: 'rule'; value: Rule }
  | { kind: 'neighbour'; value: Neighbour };

export type NetlinkEvent = NetlinkObject & {
  change: 'new' | 'delete';
  /** port id of the socket whose request caused it, 0 for the kernel's own doing: compare with NetlinkSocket.portId */
  portId: number;
};
