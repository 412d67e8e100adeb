/**
 * The kernel's networking objects as typed values: what dumps and notifications decode to, and (the …Spec types) what
 * create and replace take. Every decoded object is also a valid spec of itself.
 * Addresses, prefixes and MACs are canonical text (src/net); numbers are the kernel's own unless said otherwise.
 */

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
  alias?: string;
  numTxQueues?: number;
  numRxQueues?: number;
}

export interface VethPeerSpec {
  name: string;
  up?: boolean;
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

export type Seg6Mode = 'encap' | 'encap.red' | 'inline' | 'l2encap' | 'l2encap.red';

/** H.Encaps and its kin (RFC 8986 section 5) as lightweight tunnel. */
export interface Seg6Encap {
  type: 'seg6';
  mode: Seg6Mode;
  /** in travel order, as `ip … encap seg6 segs` takes and prints them; reversed in the SRH on the wire */
  segments: string[];
}

export type Seg6LocalAction =
  | 'End'
  | 'End.X'
  | 'End.T'
  | 'End.DX2'
  | 'End.DX6'
  | 'End.DX4'
  | 'End.DT6'
  | 'End.DT4'
  | 'End.B6'
  | 'End.B6.Encaps'
  | 'End.BM'
  | 'End.S'
  | 'End.AS'
  | 'End.AM'
  | 'End.BPF'
  | 'End.DT46';

/** A local SID's behaviour (RFC 8986 section 4). */
export interface Seg6LocalEncap {
  type: 'seg6local';
  action: Seg6LocalAction;
  /** routing table; End.DT6 and End.T without VRF */
  table?: number;
  /** table of a VRF device; End.DT4, End.DT6, End.DT46 */
  vrfTable?: number;
  nh4?: string;
  nh6?: string;
  /** ifindex */
  iif?: number;
  oif?: number;
  /** SRH to push, in travel order; End.B6 and End.B6.Encaps */
  segments?: string[];
  /** flavour operations, SEG6_LOCAL_FLV_OP_* as a bit mask (1 << op): PSP 1, USP 2, USD 3, NEXT-CSID 4 */
  flavors?: number;
  /** bits of a compressed SID's locator block and of its locator node and function; NEXT-CSID only */
  locatorBlockBits?: number;
  nodeFunctionBits?: number;
  bpfProgram?: { id?: number; name?: string };
  /** the kernel counts packets; asked for at creation */
  count?: boolean;
  counters?: { packets: bigint; bytes: bigint; errors: bigint };
}

/** A lightweight tunnel this module has no words for: shown, compared by number, never created. */
export interface OtherEncap {
  type: 'other';
  /** LWTUNNEL_ENCAP_* */
  encapType: number;
}

export type Encap = Seg6Encap | Seg6LocalEncap | OtherEncap;

export type RouteType =
  | 'unspec'
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'
  | 'nat'
  | 'xresolve';

/** RTAX_* by iproute2's names; sizes in bytes, times in milliseconds. */
export interface RouteMetrics {
  lock?: number;
  mtu?: number;
  window?: number;
  rtt?: number;
  rttvar?: number;
  ssthresh?: number;
  cwnd?: number;
  advmss?: number;
  reordering?: number;
  hoplimit?: number;
  initcwnd?: number;
  features?: number;
  rtoMin?: number;
  initrwnd?: number;
  quickack?: number;
}

/** One leg of a multipath route that does not use a next-hop object. */
export interface RouteNexthop {
  oif?: number;
  gateway?: string;
  /** 1..256 */
  weight: number;
  encap?: Encap;
  /** RTNH_F_* */
  flags: number;
}

export interface Route {
  family: AddressFamily;
  table: number;
  /** destination; "0.0.0.0/0" or "::/0" for default */
  prefix: string;
  type: RouteType;
  /** RTPROT_* or a number of rt_protos */
  protocol: number;
  /** RT_SCOPE_*; always 0 for IPv6 */
  scope: number;
  /** priority; the kernel gives IPv6 routes created with 0 the value 1024 */
  metric: number;
  tos?: number;
  oif?: number;
  /** may be of the other family for IPv4 (RTA_VIA) */
  gateway?: string;
  /** id of a next-hop object; the kernel then also reports that object's oif and gateway */
  nexthopId?: number;
  encap?: Encap;
  metrics?: RouteMetrics;
  prefSrc?: string;
  /** source prefix, IPv6 subtrees */
  from?: string;
  /** ifindex, multicast and cloned routes */
  iif?: number;
  /** RTM_F_*, RTNH_F_*: e.g. 1 dead, 16 linkdown, 4 onlink */
  flags?: number;
  nexthops?: RouteNexthop[];
}

export interface RouteSpec {
  table: number;
  prefix: string;
  /** default unicast */
  type?: RouteType;
  /** default RTPROT_BOOT (3), like ip's */
  protocol?: number;
  /** default as ip has it: link for IPv4 with neither gateway nor next-hop object, host for local, else global */
  scope?: number;
  metric?: number;
  tos?: number;
  oif?: number;
  gateway?: string;
  nexthopId?: number;
  encap?: Encap;
  metrics?: RouteMetrics;
  prefSrc?: string;
  /** only RTNH_F_ONLINK (4) is meaningful */
  flags?: number;
  nexthops?: (Omit<RouteNexthop, 'flags'> & { flags?: number })[];
}

/** What names a route to delete; absent fields match any (for IPv6 the kernel demands the table and prefix). */
export type RouteKey = Pick<RouteSpec, 'table' | 'prefix'> &
  Partial<Pick<RouteSpec, 'type' | 'protocol' | 'scope' | 'metric' | 'tos' | 'oif' | 'gateway' | 'nexthopId'>>;

export interface Nexthop {
  id: number;
  /** absent for groups and for blackholes of no family */
  family?: AddressFamily;
  oif?: number;
  gateway?: string;
  encap?: Encap;
  protocol: number;
  scope?: number;
  blackhole?: boolean;
  fdb?: boolean;
  group?: NexthopGroupMember[];
  /** NEXTHOP_GRP_TYPE_*: 0 multipath (hash threshold), 1 resilient */
  groupType?: number;
  /** RTNH_F_* */
  flags: number;
}

export interface NexthopGroupMember {
  id: number;
  /** 1..256 (kernels from 6.12 on: 1..65536) */
  weight: number;
}

export type NexthopSpec = Omit<Nexthop, 'flags' | 'protocol' | 'scope'> & {
  protocol?: number;
  flags?: number;
};

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
  /** default permanent (0 for a proxy entry) */
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
