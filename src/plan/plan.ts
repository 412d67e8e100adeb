import type { Announcement, LocalRule, SourceAddress, Sysctl, TunnelSource } from '../host/objects.js';
import type { L3mdevRule, Rule, Vrf } from '../vrf/objects.js';
import type { Nexthop, Route } from '../encap/objects.js';
import type {
  BpfAttachment,
  BpfDomainSource,
  BpfEncap,
  BpfMember,
  BpfNode,
  BpfPort,
  BpfSid,
  BpfSource,
  BpfTrusted,
  BpfUnderlay,
  DeviceFeature,
} from '../ebpf/objects.js';
import type { PolicySet } from '../gateway/policy-set.js';
import type {
  SteerGateway,
  SteerGatewayEncap,
  SteerFlows,
  SteerMaglev,
  SteerNetworkNode,
  SteerNode,
  SteerRoute,
  SteerSource,
  SteerZone,
} from '../gateway/objects.js';
import type { NftObject } from '../reconcile/nft-objects.js';
import type { Neighbour, PortAddress, PortAttachment, ProxyNeighbour } from '../port/objects.js';

/** Every kind of object a node may own, and the type of its value. Keys are text that the kernel's own view can give again. */
export interface Resources {
  /** key: path below /proc/sys, `net/ipv4/ip_forward` */
  sysctl: Sysctl;
  /** key: as of `guard` */
  edge: NftObject;
  /** key: `<family> <table>` of a table, `<family> <table> <set> <element, a map's without its value>` of an element */
  guard: NftObject;
  /** key: `inet` or `inet6` */
  'local-rule': LocalRule;
  /** key: `<inet|inet6> <priority>[ from P][ to P][ iif D]` */
  rule: Rule;
  /** key: `inet` or `inet6` */
  'l3mdev-rule': L3mdevRule;
  /** key: device name, `sg-100` */
  vrf: Vrf;
  /** key: interface name */
  port: PortAttachment;
  /** key: `<device> <address>/<length>` */
  address: PortAddress | SourceAddress;
  /** key: `<device> <address>` */
  neighbour: Neighbour;
  /** key: `<device> <address>` */
  proxy: ProxyNeighbour;
  /** key: `tunsrc` */
  tunsrc: TunnelSource;
  /** key: `<inet|inet6> <VRF device> <last segment>` */
  nexthop: Nexthop;
  /** key: `<table> <prefix>[ metric <n>]` */
  route: Route;
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
  /** key: `flows` */
  'gw-flows': SteerFlows;
  /** key: `node` */
  'nn-node': SteerNode;
  /** key: name of a node */
  'gw-node': SteerNetworkNode;
  /** key: `<tenant id> <number of a network node>` */
  'gw-encap': SteerGatewayEncap;
  /** key: name of a gateway */
  'gw-maglev': SteerMaglev;
  /** key: zone id */
  'nn-zone': SteerZone;
  /** key: `<zone id> <prefix>` */
  'nn-route': SteerRoute;
  /** key: `<zone id> <prefix>` */
  'nn-icmp-source': SteerGateway;
  /** key: `<zone id> <zone id>`, from and to */
  'nn-policies': PolicySet;
  /** key: `<device> <prefix>` */
  'nn-external': SteerSource;
  /** key: SID */
  'nn-sid': SteerSource;
  /** key: `<device> <feature>` */
  'device-feature': DeviceFeature;
  /** key: `<device> <tcx|xdp>` */
  'bpf-program': BpfAttachment;
  /** key: `<table> <locator>` */
  announce: Announcement;
}

export type ResourceName = keyof Resources;
export type PlanValue = Resources[ResourceName];

export type Plan = { [K in ResourceName]: Map<string, Resources[K]> };

/** Receives what a domain plans; the kind ties the key to the value's type. */
export type Emit = <K extends ResourceName>(kind: K, key: string, value: Resources[K]) => void;

/**
 * The kinds in the order their objects are made; they are removed in the reverse order. The edge comes before anything that could carry a
 * packet into the SR domain, and goes once forwarding is as it was found. The guard stands before the
 * interfaces it guards, next hops before the routes that name them, a VRF before anything in its table; the fast path's
 * entries before the programs that read them, and all of these after what the kernel needs to forward by itself. The
 * locator's announcement is the last to come and the first to go.
 */
export const KIND_ORDER: readonly ResourceName[] = [
  'edge',
  'guard',
  'rule',
  'local-rule',
  'vrf',
  'l3mdev-rule',
  'sysctl',
  'port',
  'address',
  'tunsrc',
  'neighbour',
  'proxy',
  'nexthop',
  'route',
  'bpf-node',
  'bpf-trusted',
  'bpf-underlay',
  'bpf-encap',
  // Before what lets packets arrive, and gone after it: nothing is taken that was not verified.
  'bpf-domain-source',
  'gw-flows',
  'gw-encap',
  // New flows leave a network node that is down before those that it has do.
  'gw-maglev',
  'gw-node',
  'bpf-port',
  'bpf-source',
  'bpf-source-prefix',
  'bpf-member',
  'bpf-prefix',
  'bpf-sid',
  'nn-node',
  'nn-zone',
  'nn-icmp-source',
  'nn-route',
  'nn-policies',
  'nn-external',
  'nn-sid',
  // Before XDP sees a frame, and until it sees none.
  'device-feature',
  'bpf-program',
  'announce',
];

export function emptyPlan(): Plan {
  return {
    sysctl: new Map(),
    edge: new Map(),
    guard: new Map(),
    'local-rule': new Map(),
    rule: new Map(),
    vrf: new Map(),
    'l3mdev-rule': new Map(),
    port: new Map(),
    address: new Map(),
    neighbour: new Map(),
    proxy: new Map(),
    tunsrc: new Map(),
    nexthop: new Map(),
    route: new Map(),
    'bpf-node': new Map(),
    'bpf-trusted': new Map(),
    'bpf-underlay': new Map(),
    'bpf-encap': new Map(),
    'bpf-domain-source': new Map(),
    'bpf-port': new Map(),
    'bpf-source': new Map(),
    'bpf-source-prefix': new Map(),
    'bpf-member': new Map(),
    'bpf-prefix': new Map(),
    'bpf-sid': new Map(),
    'gw-flows': new Map(),
    'nn-node': new Map(),
    'gw-node': new Map(),
    'gw-encap': new Map(),
    'gw-maglev': new Map(),
    'nn-zone': new Map(),
    'nn-icmp-source': new Map(),
    'nn-route': new Map(),
    'nn-policies': new Map(),
    'nn-external': new Map(),
    'nn-sid': new Map(),
    'device-feature': new Map(),
    'bpf-program': new Map(),
    announce: new Map(),
  };
}

/** One object as it was planned and as it is planned now; without `after` it is to go. */
export interface Delta {
  before?: PlanValue;
  after?: PlanValue;
}

/** What a change of the intent does to the plan: only what differs. */
export type PlanDelta = Map<ResourceName, Map<string, Delta>>;
