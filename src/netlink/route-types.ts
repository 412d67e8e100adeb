/** Routes, next-hop objects and their tunnels as typed values; part of types.ts. */
import type { AddressFamily } from './inet/address.js';

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

/** The key of a route to delete; absent fields match any (for IPv6 the kernel demands the table and prefix). */
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
