/** The fast path's maps filled for the chain, without the agent. */
import { type BpfMap, type BpfObject, type Codec, U32 } from 'libbpf-ts';
import { MAX_HOPS } from '../../src/ebpf/resolve.js';
import type { Nexthop } from '../../src/ebpf/generated/layouts.js';
import {
  Behaviour,
  DscpPolicy,
  Encap,
  Family,
  NexthopFlags,
  EndpointKey,
  Node,
  Present,
  Port,
  PortFlags,
  PrefixKey,
  Sid,
  AllowedSrcKey,
  AllowedSrcLpmKey,
  Endpoint,
  EndpointType,
  NexthopGroup,
  Uplink,
} from '../../src/ebpf/generated/layouts.js';
import * as steering from '../../src/ebpf/generated/steering.js';
import { MAGLEV_SLOTS } from '../../src/gateway/maglev.js';
import { parseMac, writeAddress } from 'netlink-ts/inet';
import { INNER, MAC, TUNNEL_SOURCE, UNDERLAY_MTU } from '../chain/names.js';
import { nextCacheGeneration } from '../../src/ebpf/epoch.js';
import type { UnderlayNode } from '../chain/names.js';

const TENANT = 100;
export const SID = { hv1: 'fd00:5e:1:4600:64::', hv2: 'fd00:5e:2:4600:64::' } as const;
/** Bits of a prefix's key before the address: tenant and family. */
export const KEY_BITS = 64;
const NO_HOP: Nexthop = {
  ...{ ifindex: 0, mtu: 0, destMac: new Uint8Array(6), sourceMac: new Uint8Array(6), flags: 0, weight: 0 },
};

/** An entry with one next hop. */
export function underlayOf(dest: Uint8Array, hop: Omit<Nexthop, 'weight'>): NexthopGroup {
  const hops = Array.from({ length: MAX_HOPS }, (_, index) => (index === 0 ? { ...hop, weight: 0 } : NO_HOP));
  return { count: 1, length: 128, dest, hops, slots: new Uint8Array(64) };
}

export const IN6: Codec<Uint8Array> = {
  NAME: 'struct in6_addr',
  SIZE: 16,
  encode(into, offset, value) {
    into.set(value, offset);
  },
  decode: (from, offset) => from.subarray(offset, offset + 16),
};

/** One hypervisor and what it knows of the other, or of the network node between them. */
export interface Side {
  node: 'hv1' | 'hv2';
  tenant: number;
  /** Its SID of the tenant, and where what is for `remote` goes. */
  sid: string;
  peerSid: string;
  /** Network nodes know the way to `remote`: number of the gateway, and of its one network node. */
  steered?: { gateway: number; node: number; source: string };
  vmMac: string;
  portMac: string;
  uplinkMac: string;
  peerMac: string;
  /** Local VM's addresses and what is behind it; the same of the other side. */
  local: readonly string[];
  remote: readonly string[];
}

const HV1 = ['10.10.1.2/32', 'fd00:10:1::2/128'];
const HV2 = [`${INNER[4].sinkLink}/32`, `${INNER[6].sinkLink}/128`, INNER[4].sinkPrefix, INNER[6].sinkPrefix];
export const SIDES: readonly Side[] = [
  {
    node: 'hv1',
    tenant: TENANT,
    sid: SID.hv1,
    peerSid: SID.hv2,
    vmMac: MAC.gen,
    portMac: MAC.hv1Port,
    uplinkMac: MAC.hv1Uplink,
    peerMac: MAC.hv2Uplink,
    local: HV1,
    remote: HV2,
  },
  {
    node: 'hv2',
    tenant: TENANT,
    sid: SID.hv2,
    peerSid: SID.hv1,
    vmMac: MAC.sink,
    portMac: MAC.hv2Port,
    uplinkMac: MAC.hv2Uplink,
    peerMac: MAC.hv1Uplink,
    local: HV2,
    remote: HV1,
  },
];

export function bytes16(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  writeAddress(address, bytes, 0);
  return bytes;
}

export function mac(text: string): Uint8Array {
  return parseMac(text) ?? new Uint8Array(6);
}

export function put<K, V>(map: BpfMap, keyCodec: Codec<K>, key: K, valueCodec: Codec<V>, value: V): void {
  const keyBytes = Buffer.alloc(map.keySize);
  const valueBytes = Buffer.alloc(map.valueSize);
  keyCodec.encode(keyBytes, 0, key);
  valueCodec.encode(valueBytes, 0, value);
  map.update(keyBytes, valueBytes);
}

export function splitPrefix(text: string): { family: number; address: Uint8Array; length: number; host: boolean } {
  const [address = '', bits = ''] = text.split('/');
  const family = address.includes(':') ? Family.FAMILY_INET6 : Family.FAMILY_INET;
  const length = Number(bits);
  return { family, address: bytes16(address), length, host: length === (family === Family.FAMILY_INET ? 32 : 128) };
}

/** Puts an address or a prefix where it is looked up. */
function putTarget(objects: BpfObject, tenant: number, prefix: string, target: Endpoint): void {
  const { family, address, length, host } = splitPrefix(prefix);
  const key = { tenant, family, address };
  if (host) put(objects.map('sg_endpoints'), EndpointKey, key, Endpoint, target);
  else put(objects.map('sg_endpoint_lpm'), PrefixKey, { length: KEY_BITS + length, ...key }, Endpoint, target);
}

/** Of a hypervisor's port: a veth, which segments what decapsulation leaves, or a TAP. */
export const PORT_FLAGS = {
  veth: PortFlags.PORT_TUNNEL_SEGMENTATION | PortFlags.PORT_XDP_XMIT | PortFlags.PORT_REDIRECT_PEER,
  tap: PortFlags.PORT_XDP_XMIT,
} as const;

export interface Devices {
  port: number;
  uplink: number;
  /** Besides the uplink: where a test run's frames come in. */
  runs?: number;
  /** Of PORT_FLAGS. */
  portFlags?: number;
}

/** Places of a node's uplinks in its entry (MAX_UPLINKS of bpf/abi/types.h). */
const UPLINKS = (Node.SIZE - Node.OFFSETS.uplinks) / Uplink.SIZE;

/** A node's own entry, and the outer sources of the others. */
export function fillNode(
  object: BpfObject,
  node: UnderlayNode,
  uplinks: readonly { ifindex: number; mac: string }[],
): void {
  const none = { ifindex: 0, mac: new Uint8Array(6), unused: 0 };
  const known = uplinks.map((uplink) => ({ ...none, ifindex: uplink.ifindex, mac: mac(uplink.mac) }));
  put(object.map('sg_node'), U32, 0, Node, {
    source: bytes16(TUNNEL_SOURCE[node]),
    sidBlock: bytes16('fd00:5e::'),
    sidMask: bytes16('ffff:ffff::'),
    hasTrusted: 0,
    unused: 0,
    uplinks: Array.from({ length: UPLINKS }, (_, place) => known[place] ?? none),
  });
  for (const [name, source] of Object.entries(TUNNEL_SOURCE)) {
    if (name !== node) put(object.map('sg_domain_src'), IN6, bytes16(source), Present, { unused: 0n });
  }
}

/** Fills the maps of one hypervisor: a tenant, its port, and its addresses here and at the other. */
export function fill(object: BpfObject, side: Side, devices: Devices, tenantMtu: number): void {
  const { port, uplink, runs, portFlags = PORT_FLAGS.veth } = devices;
  const arriving = runs === undefined ? [uplink] : [uplink, runs];
  fillNode(
    object,
    side.node,
    arriving.map((ifindex) => ({ ifindex, mac: side.uplinkMac })),
  );
  put(object.map('sg_ports'), U32, port, Port, {
    tenant: side.tenant,
    slot: 0,
    vmMac: mac(side.vmMac),
    mtu: tenantMtu,
    gatewayMac: mac(side.portMac),
    formerMac: mac(side.portMac),
    gateway4: 0,
    gateway6: new Uint8Array(16),
    dscp: DscpPolicy.DSCP_COPY,
    flags: portFlags,
    checkedSources: 0,
    unused: 0,
  });
  put(object.map('sg_sids'), IN6, bytes16(side.sid), Sid, { tenant: side.tenant, behaviour: Behaviour.END_DT46 });
  const hop = {
    ifindex: uplink,
    mtu: UNDERLAY_MTU,
    destMac: mac(side.peerMac),
    sourceMac: mac(side.uplinkMac),
    flags: NexthopFlags.NH_XDP_XMIT,
  };
  put(object.map('sg_nh_groups'), U32, 1, NexthopGroup, underlayOf(bytes16(side.peerSid), hop));
  const encap = { first: bytes16(side.peerSid), nexthopGroup: 1, srhBytes: 0, lastEntry: 0, srh: new Uint8Array(56) };
  put(object.map('sg_encaps'), U32, 1, Encap, encap);
  const remote =
    side.steered === undefined
      ? { type: EndpointType.EP_REMOTE, id: 1 }
      : { type: EndpointType.EP_VIA_GATEWAY, id: side.steered.gateway };
  for (const prefix of side.remote) putTarget(object, side.tenant, prefix, remote);
  if (side.steered !== undefined) fillSteered(object, side.tenant, side.steered);
  for (const prefix of side.local) {
    putTarget(object, side.tenant, prefix, { type: EndpointType.EP_LOCAL, id: port });
    const { family, address, length, host } = splitPrefix(prefix);
    const source = { ifindex: port, family, address };
    if (host) put(object.map('sg_allowed_src'), AllowedSrcKey, source, Present, { unused: 0n });
    else {
      const key = { length: KEY_BITS + length, ...source };
      put(object.map('sg_allowed_lpm'), AllowedSrcLpmKey, key, Present, { unused: 0n });
    }
  }
  nextCacheGeneration(object.map('sg_cache_gen'));
}

/** A gateway of one network node, behind encapsulation 1. */
function fillSteered(object: BpfObject, tenant: number, { gateway, node, source }: NonNullable<Side['steered']>): void {
  const all = Array.from({ length: MAGLEV_SLOTS }, () => node);
  put(object.map('sg_maglev'), U32, gateway, steering.Maglev, { active: all, all, unused: [0, 0] });
  put(object.map('sg_nn_state'), U32, node, steering.NetworkNode, { isUp: 1, unused: 0 });
  put(object.map('sg_nn_src'), IN6, bytes16(source), U32, node);
  put(object.map('sg_gw_encaps'), steering.GatewayEncapKey, { tenant, node }, U32, 1);
}

/** Tenants on the node, remote ports of each, and destinations of the one that sends; other nodes that have them. */
export const LARGE = { tenants: 4096, portsPerTenant: 250, destinations: 4096, nodes: 256 } as const;

/** The function part of a SID towards the same tenant at another node that the chain's peer stands in for. */
function sidOfNode(side: Side, node: number): Uint8Array {
  const sid = bytes16(side.peerSid);
  sid.set([node >> 8, node & 0xff], 14);
  return sid;
}

/** A SID of the tenant at each of the other nodes, all of which the chain's peer stands in for; encapsulations from FAR on. */
function fillNodes(object: BpfObject, side: Side): void {
  for (let node = 0; node < LARGE.nodes; node++) {
    const encap = { nexthopGroup: 1, srhBytes: 0, lastEntry: 0, srh: new Uint8Array(56) };
    put(object.map('sg_encaps'), U32, FAR + node, Encap, { first: sidOfNode(side, node), ...encap });
    const own = sidOfNode({ ...side, peerSid: side.sid }, node);
    put(object.map('sg_sids'), IN6, own, Sid, { tenant: side.tenant, behaviour: Behaviour.END_DT46 });
  }
}

/** Number of the first encapsulation of those nodes. */
const FAR = 2;

/** Entries of sg_endpoints, written all at once. */
class EndpointBatch {
  readonly #keys: Buffer;
  readonly #values: Buffer;
  #count = 0;

  constructor(most: number) {
    this.#keys = Buffer.alloc(most * EndpointKey.SIZE);
    this.#values = Buffer.alloc(most * Endpoint.SIZE);
  }

  /** @param address IPv4, the first four of 16 bytes */
  add(tenant: number, address: Buffer, endpoint: Endpoint): void {
    EndpointKey.encode(this.#keys, this.#count * EndpointKey.SIZE, { tenant, family: Family.FAMILY_INET, address });
    Endpoint.encode(this.#values, this.#count * Endpoint.SIZE, endpoint);
    this.#count += 1;
  }

  write(map: BpfMap): void {
    map.updateBatch(
      this.#keys.subarray(0, this.#count * EndpointKey.SIZE),
      this.#values.subarray(0, this.#count * Endpoint.SIZE),
    );
  }
}

/** The sending tenant's addresses behind the sink, from its first on: at the sink's hypervisor all are its port's. */
function addDestinations(batch: EndpointBatch, side: Side, port: number, count: number): void {
  const isNear = side.local.includes(INNER[4].sinkPrefix);
  const address = Buffer.alloc(16);
  const first = Buffer.from(bytes16(INNER[4].sink)).readUInt32BE(0);
  for (let index = 0; index < count; index++) {
    address.writeUInt32BE(first + index, 0);
    const far = { type: EndpointType.EP_REMOTE, id: FAR + (index % LARGE.nodes) };
    batch.add(side.tenant, address, isNear ? { type: EndpointType.EP_LOCAL, id: port } : far);
  }
}

/** So many addresses behind the sink, each with an entry of its own, on top of fill(). A hypervisor that leaves them to a gateway has none. */
export function fillEndpoints(object: BpfObject, side: Side, port: number, count: number): void {
  if (side.steered !== undefined && !side.local.includes(INNER[4].sinkPrefix)) return;
  const batch = new EndpointBatch(count);
  fillNodes(object, side);
  addDestinations(batch, side, port, count);
  batch.write(object.map('sg_endpoints'));
  nextCacheGeneration(object.map('sg_cache_gen'));
}

/** So many addresses behind the sink, all by one encapsulation, as a network node has them. */
export function fillRemoteEndpoints(object: BpfObject, tenant: number, encap: number, count: number): void {
  if (count === 0) return;
  const batch = new EndpointBatch(count);
  const address = Buffer.alloc(16);
  const first = Buffer.from(bytes16(INNER[4].sink)).readUInt32BE(0);
  for (let index = 0; index < count; index++) {
    address.writeUInt32BE(first + index, 0);
    batch.add(tenant, address, { type: EndpointType.EP_REMOTE, id: encap });
  }
  batch.write(object.map('sg_endpoints'));
}

/**
 * Fills the maps as on a hypervisor of a large cloud, on top of fill(): a million remote ports of 4,096 tenants, and each of the
 * destinations an address of its own behind one of many encapsulations. At the peer they are all the one port's.
 */
export function fillLarge(object: BpfObject, side: Side, port: number): void {
  const { tenants, portsPerTenant, destinations, nodes } = LARGE;
  const batch = new EndpointBatch(tenants * portsPerTenant + destinations);
  const address = Buffer.alloc(16);
  fillNodes(object, side);
  addDestinations(batch, side, port, destinations);
  for (let tenant = 0; tenant < tenants; tenant++) {
    for (let index = 0; index < portsPerTenant; index++) {
      address.writeUInt32BE(0x0a000000 + index, 0);
      // Tenant ids behind the one that sends.
      batch.add(1000 + tenant, address, { type: EndpointType.EP_REMOTE, id: FAR + (index % nodes) });
    }
  }
  batch.write(object.map('sg_endpoints'));
  nextCacheGeneration(object.map('sg_cache_gen'));
}
