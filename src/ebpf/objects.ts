import type { TenantBehaviour } from '../encap/sid.js';
import type { DscpPolicy } from '../intent/types.js';

/** What the fast path's maps mean, in the plan's terms: names and addresses. Numbers are the kernel's business. */

/** The node: nodes[0]. */
export interface BpfNode {
  /** Outer source address. */
  source: string;
  sidBlock: string;
  /** There are prefixes of the SR domain beyond the block. */
  hasTrusted?: true;
  /** Uplinks, for whose own MAC addresses frames are taken. */
  uplinks: readonly string[];
}

/** Whose encapsulated packets are taken: an address, or a prefix. */
export interface BpfDomainSource {
  from: string;
}

/** A prefix of the SR domain beyond the SID block. */
export interface BpfTrusted {
  prefix: string;
}

/**
 * Receive VLAN offload, by ethtool's names: the NIC takes the tag out of a frame before XDP sees it, which then takes a frame of another
 * VLAN for one of its own. 802.1Q, 802.1ad.
 */
export const TAG_FEATURES = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'] as const;

/** A feature of an interface that is off for the sake of its XDP program. */
export interface DeviceFeature {
  device: string;
  /** As `ethtool -k` names it. */
  feature: string;
  /** The program is left out where the feature cannot be switched off. */
  optional?: true;
  /** Of a port's interface. */
  port?: true;
  /** Only found, never planned: it is on. */
  on?: true;
}

/** The way to a node's locator, or to a transit segment: resolved from the kernel's routes, neighbours and links. */
export interface BpfUnderlay {
  destination: string;
  /** Outer source: routes may depend on it. */
  source: string;
  /** Bytes of the largest packet the underlay takes, where the node file says. */
  mtu?: number;
  /** This node itself, a network node: the uplinks at which its own packets may arrive. */
  self?: readonly string[];
}

/** H.Encaps.Red towards a tenant's SID. */
export interface BpfEncap {
  /** In travel order; the last is the tenant's SID. */
  segments: readonly string[];
  /** Key of a `bpf-underlay`. */
  underlay: string;
}

/** A port's interface. */
export interface BpfPort {
  /** Tenant id. */
  tenant: number;
  /** The VM's. */
  mac: string;
  /** The tenant's gateway's. */
  gatewayMac: string;
  /** Bytes of the largest inner packet. */
  mtu: number;
  dscp: DscpPolicy;
  /** Where ICMP errors to the VM come from, where the tenant has a subnet of that family. */
  gateway4?: string;
  gateway6?: string;
  /** Inner sources that a look-up decides about: a filter (source-filter.ts). Absent: none. */
  checkedSources?: number;
}

/** What a port's VM may send from: an address, or a prefix. */
export interface BpfSource {
  device: string;
  from: string;
}

/**
 * Where a tenant's address or prefix is: behind a port of this node, behind an encapsulation, or the node itself is the gateway. The address is in the key
 * alone, so all addresses of one place share one value.
 */
export interface BpfMember {
  /** Tenant id. */
  tenant: number;
  device?: string;
  /** Key of a `bpf-encap`; none where the kernel alone knows the way. */
  encap?: string;
  gateway?: true;
  /** Number of the gateway whose network nodes know the way. */
  steered?: number;
  /** Of what is steered: the slot of the gateway's table that all flows have, instead of each its own. */
  fixedSlot?: number;
  /** Nowhere: what no member has of the tenant's own prefix. */
  absent?: true;
  /** Of an external network: the interface it is reached by. */
  external?: string;
}

/** A place behind an encapsulation. */
export type RemoteEndpoint = BpfMember & Required<Pick<BpfMember, 'encap'>>;

/** A local SID. */
export interface BpfSid {
  /** Tenant id. */
  tenant: number;
  behaviour: TenantBehaviour;
}

/** Where a program sits. `tcx-first`: at tcx ingress, before the one of ours that may be there too; `tcx-egress`: at a detached port, never planned. */
export type BpfHook = (typeof BPF_HOOKS)[number];
export const BPF_HOOKS = ['tcx-first', 'tcx', 'tcx-egress', 'xdp'] as const;
/** Programs by their object files. */
export type BpfProgramName =
  | 'port_tc'
  | 'port_xdp'
  | 'ndp_responder_tc'
  | 'detached_tc'
  | 'dhcp4_tc'
  | 'dhcp6_tc'
  | 'uplink_tc'
  | 'uplink_xdp'
  | 'nn_uplink_tc'
  | 'nn_uplink_xdp'
  | 'nn_external_tc';

/** A program at an interface. */
export interface BpfAttachment {
  device: string;
  hook: BpfHook;
  program: BpfProgramName;
  /** It forwards without the kernel beneath (`dataplane: ebpf`). */
  alone?: true;
  /** Of `nn_uplink_xdp`: the program that takes what is for no gateway. */
  then?: BpfProgramName;
  /** Tenants of the node have gateways. */
  gateways?: true;
  /** Encapsulated packets are taken from whatever outer source. */
  anySource?: true;
  /** Left out where the driver cannot: `xdp: auto`. */
  optional?: true;
  /** Only found: id of a link that is not pinned where ours are; 0: there is no link. */
  link?: number;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `node` */
    'bpf-node': BpfNode;
    /** key: a prefix */
    'bpf-trusted': BpfTrusted;
    /** key: a locator, or a transit segment with /128 */
    'bpf-underlay': BpfUnderlay;
    /** key: last segment */
    'bpf-encap': BpfEncap;
    /** key: address */
    'bpf-domain-source': BpfDomainSource;
    /** key: interface name */
    'bpf-port': BpfPort;
    /** key: `<device> <address>` */
    'bpf-source': BpfSource;
    /** key: `<device> <prefix>` */
    'bpf-source-prefix': BpfSource;
    /** key: `<tenant id> <address>` */
    'bpf-member': BpfMember;
    /** key: `<tenant id> <prefix>` */
    'bpf-prefix': BpfMember;
    /** key: SID */
    'bpf-sid': BpfSid;
    /** key: `<device> <feature>` */
    'device-feature': DeviceFeature;
    /** key: `<device> <tcx|xdp>` */
    'bpf-program': BpfAttachment;
  }
}
