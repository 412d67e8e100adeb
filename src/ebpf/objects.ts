import type { TenantBehaviour } from '../encap/sid.js';
import type { DscpPolicy } from '../intent/types.js';

/** Entries of the fast path's maps as the plan holds them: names and addresses, without kernel ids. */

/** The node itself: sg_node[0]. */
export interface BpfNode {
  /** Outer source address. */
  source: string;
  sidBlock: string;
  /** Set if the SR domain has prefixes outside the SID block. */
  hasTrusted?: true;
  /** Prefix for traffic between ports and services of the node; treated as part of the SR domain. */
  servicePrefix?: string;
  /** Uplinks, which accept frames at their own MAC addresses. */
  uplinks: readonly string[];
}

/** An address or prefix from which encapsulated packets are accepted. */
export interface BpfDomainSource {
  from: string;
}

/** A prefix of the SR domain outside the SID block. */
export interface BpfTrusted {
  prefix: string;
}

/**
 * Receive VLAN offload for 802.1Q and 802.1ad, by ethtool's names. The NIC strips the tag before XDP sees a frame, and XDP would accept frames of
 * other VLANs as untagged.
 */
export const TAG_FEATURES = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'] as const;

/** A device feature that must be off for an XDP program. */
export interface DeviceFeature {
  device: string;
  /** Name in `ethtool -k`. */
  feature: string;
  /** The program is omitted if the feature cannot be switched off. */
  optional?: true;
  /** Set for a port's interface. */
  port?: true;
  /** Only observed, never planned: the feature is on. */
  on?: true;
}

/** Next hops to a node's locator or a transit segment, resolved from the kernel's routes, neighbours and links. */
export interface BpfUnderlay {
  destination: string;
  /** Outer source, on which the route may depend. */
  source: string;
  /** Largest underlay packet in bytes, if the node file sets it. */
  mtu?: number;
  /** Set for this node itself as a network node: uplinks at which its own packets may arrive. */
  self?: readonly string[];
}

/** H.Encaps.Red towards a tenant's SID. */
export interface BpfEncap {
  /** In travel order; the last segment is the tenant's SID. */
  segments: readonly string[];
  /** Key of a `bpf-underlay`. */
  underlay: string;
}

/** The interface of a port. */
export interface BpfPort {
  /** Tenant id. */
  tenant: number;
  /** MAC address of the VM. */
  mac: string;
  /** MAC address of the tenant's gateway. */
  gatewayMac: string;
  /** Largest inner packet in bytes. */
  mtu: number;
  dscp: DscpPolicy;
  /** Source of ICMP errors to the VM; absent if the tenant has no subnet of that family. */
  gateway4?: string;
  gateway6?: string;
  /** Filter of inner sources that must be looked up (source-filter.ts). Absent: none. */
  checkedSources?: number;
  /** Set while its VM migrates from this node or to it. */
  migrates?: 'from-here' | 'to-here';
}

/** An address or prefix from which a port's VM may send. */
export interface BpfSource {
  device: string;
  from: string;
}

/**
 * Location of a tenant's address or prefix: a local port, an encapsulation, or the node itself as the gateway. Only the key contains the address,
 * so that all addresses of one location share a value.
 */
export interface BpfMember {
  /** Tenant id. */
  tenant: number;
  device?: string;
  /** Key of a `bpf-encap`; absent if only the kernel can forward. */
  encap?: string;
  gateway?: true;
  /** Number of the gateway whose network nodes forward. */
  steered?: number;
  /** With `steered`: one slot of the gateway's table for all flows, instead of a slot for each flow. */
  fixedSlot?: number;
  /** Blackhole: addresses of the tenant's own prefixes that no member has. */
  absent?: true;
  /** In an external network: the interface that leads to it. */
  external?: string;
}

/** A location behind an encapsulation. */
export type RemoteEndpoint = BpfMember & Required<Pick<BpfMember, 'encap'>>;

/** A local SID. */
export interface BpfSid {
  /** Tenant id. */
  tenant: number;
  behaviour: TenantBehaviour;
}

/**
 * Hook of a program. `tcx-first`: tcx ingress, before segue's other program there, if any; `tcx-egress`: of the services' veth, and of a detached
 * port, where it is never planned.
 */
export type BpfHook = (typeof BPF_HOOKS)[number];
export const BPF_HOOKS = ['tcx-first', 'tcx', 'tcx-egress', 'xdp'] as const;
/** Programs by the names of their object files. */
export type BpfProgramName =
  | 'port_tc'
  | 'port_xdp'
  | 'ndp_responder_tc'
  | 'detached_tc'
  | 'dhcp4_tc'
  | 'dhcp6_tc'
  | 'service_tc'
  | 'service_return_tc'
  | 'service_gate_tc'
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
  /** Forwards without the kernel's data plane (`dataplane: ebpf`). */
  alone?: true;
  /** For `nn_uplink_xdp`: the program for packets that are for no gateway. */
  then?: BpfProgramName;
  /** Tenants of the node have gateways. */
  gateways?: true;
  /** Accepts encapsulated packets from any outer source. */
  anySource?: true;
  /** Omitted if the driver does not support it: `xdp: auto`. */
  optional?: true;
  /** Only observed: id of a link that is not pinned in this node's directory; 0: there is no link. */
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
