/** What the facade's methods take: the specs of types.ts, with devices by name or ifindex, and the type of every key. */
import type { LinkReference } from './link.js';
import type { Shape } from './spec.js';
import type {
  AddressFamily,
  InterfaceAddressSpec,
  LinkChange,
  LinkSpec,
  NeighbourSpec,
  NexthopSpec,
  RouteSpec,
  RouteType,
  RuleSpec,
} from './types.js';

const DEVICE = ['string', 'number'] as const;

export interface RtnetlinkOptions {
  /** a name in /run/netns; absent: the calling thread's namespace */
  netns?: string;
}

export interface LinkFilterInput {
  /** device */
  master?: LinkReference;
  kind?: string;
}

export type LinkInput = Omit<LinkSpec, 'master'> & { master?: LinkReference };
export type LinkChangeInput = Omit<LinkChange, 'master'> & { /** 0: out of its master */ master?: LinkReference };

export interface AddressFilterInput {
  family?: AddressFamily;
  dev?: LinkReference;
}

export type AddressInput = Omit<InterfaceAddressSpec, 'ifindex'> & { dev: LinkReference };

export interface RouteFilterInput {
  family?: AddressFamily;
  table?: number;
  /** RTPROT_* */
  protocol?: number;
  type?: RouteType;
  dev?: LinkReference;
}

export type RouteInput = Omit<RouteSpec, 'table' | 'prefix' | 'oif'> & {
  /** "default", an address or a prefix */
  prefix: string;
  /** of "default", where no gateway tells */
  family?: AddressFamily;
  /** default main (254) */
  table?: number;
  dev?: LinkReference;
};

export type NexthopInput = Omit<NexthopSpec, 'oif'> & { dev?: LinkReference };

export interface NeighbourFilterInput {
  family?: AddressFamily;
  /** true: proxy entries; else: neighbours. One dump cannot have both. */
  proxy?: boolean;
  dev?: LinkReference;
}

export type NeighbourInput = Omit<NeighbourSpec, 'ifindex'> & { dev: LinkReference };

export type RuleInput = Omit<RuleSpec, 'family'> & {
  /** default: that of `from` or `to`, else 4 */
  family?: AddressFamily;
};

export const OPEN: Shape<RtnetlinkOptions> = { types: { netns: 'string' } };

export const LINK_FILTER: Shape<LinkFilterInput> = { types: { master: DEVICE, kind: 'string' } };

export const LINK: Shape<LinkInput> = {
  types: {
    name: 'string',
    kind: 'string',
    vrfTable: 'number',
    peer: 'object',
    index: 'number',
    up: 'boolean',
    mtu: 'number',
    mac: 'string',
    master: DEVICE,
    numTxQueues: 'number',
    numRxQueues: 'number',
  },
  required: ['name', 'kind'],
};

export const LINK_CHANGE: Shape<LinkChangeInput> = {
  types: {
    up: 'boolean',
    mtu: 'number',
    mac: 'string',
    master: DEVICE,
    alias: 'string',
    name: 'string',
    netnsFd: 'number',
    netnsPid: 'number',
    txQueueLength: 'number',
  },
};

export const ADDRESS_FILTER: Shape<AddressFilterInput> = { types: { family: 'number', dev: DEVICE } };

export const ADDRESS: Shape<AddressInput> = {
  types: {
    dev: DEVICE,
    address: 'string',
    length: 'number',
    scope: 'number',
    flags: 'number',
    noprefixroute: 'boolean',
    nodad: 'boolean',
    peer: 'string',
    broadcast: 'string',
    label: 'string',
    metric: 'number',
    protocol: 'number',
    preferredLifetime: 'number',
    validLifetime: 'number',
  },
  required: ['dev', 'address', 'length'],
};

export const ROUTE_FILTER: Shape<RouteFilterInput> = {
  types: { family: 'number', table: 'number', protocol: 'number', type: 'string', dev: DEVICE },
};

export const ROUTE: Shape<RouteInput> = {
  types: {
    prefix: 'string',
    family: 'number',
    table: 'number',
    dev: DEVICE,
    type: 'string',
    protocol: 'number',
    scope: 'number',
    metric: 'number',
    tos: 'number',
    gateway: 'string',
    nexthopId: 'number',
    encap: 'object',
    metrics: 'object',
    prefSrc: 'string',
    flags: 'number',
    nexthops: 'object',
  },
  required: ['prefix'],
};

export const NEXTHOP: Shape<NexthopInput> = {
  types: {
    id: 'number',
    family: 'number',
    dev: DEVICE,
    gateway: 'string',
    encap: 'object',
    protocol: 'number',
    blackhole: 'boolean',
    fdb: 'boolean',
    group: 'object',
    groupType: 'number',
    flags: 'number',
  },
  required: ['id'],
};

export const NEIGHBOUR_FILTER: Shape<NeighbourFilterInput> = {
  types: { family: 'number', proxy: 'boolean', dev: DEVICE },
};

export const NEIGHBOUR: Shape<NeighbourInput> = {
  types: {
    dev: DEVICE,
    family: 'number',
    address: 'string',
    mac: 'string',
    state: 'number',
    proxy: 'boolean',
    flags: 'number',
    protocol: 'number',
  },
  required: ['dev', 'address'],
};

export const RULE: Shape<RuleInput> = {
  types: {
    family: 'number',
    priority: 'number',
    from: 'string',
    to: 'string',
    iif: 'string',
    oif: 'string',
    table: 'number',
    action: 'string',
    protocol: 'number',
    l3mdev: 'boolean',
    fwmark: 'number',
    fwmask: 'number',
    tos: 'number',
    gotoTarget: 'number',
    invert: 'boolean',
    suppressPrefixLength: 'number',
    suppressIfgroup: 'number',
    ipProtocol: 'number',
    sourcePorts: 'object',
    destinationPorts: 'object',
    uidRange: 'object',
    tunnelId: 'bigint',
    flags: 'number',
  },
  required: ['priority'],
};
