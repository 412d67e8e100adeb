/** The fast path's maps filled for the chain, without the agent. */
import {
  Behaviour,
  DscpPolicy,
  Endpoint,
  EndpointKey,
  EndpointType,
  Family,
  PortFlags,
} from '../../src/ebpf/generated/layouts.js';
import { writeAddress } from 'netlink-ts/inet';
import { INNER, MAC, TUNNEL_SOURCE, UNDERLAY_MTU } from '../chain/names.js';
import { MapFiller, onlyHop } from '../lib/map-filler.js';
import { nextCacheGeneration } from '../../src/ebpf/epoch.js';
import type { BpfMap, BpfObject } from 'libbpf-ts';
import type { UnderlayNode } from '../chain/names.js';

const TENANT = 100;
export const SID = { hv1: 'fd00:5e:1:4600:64::', hv2: 'fd00:5e:2:4600:64::' } as const;
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

/** A prefix of one address as that address: it is looked up exactly. */
export function hostOrPrefix(prefix: string): string {
  return prefix.replace(/^([^:]*)\/32$|^(.*:.*)\/128$/, '$1$2');
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

/** A node's own entry, and the outer sources of the others. */
export function fillNode(
  filler: MapFiller,
  node: UnderlayNode,
  uplinks: readonly { index: number; mac: string }[],
): void {
  filler.node({ source: TUNNEL_SOURCE[node], sidBlock: 'fd00:5e::/32', uplinks });
  for (const [name, source] of Object.entries(TUNNEL_SOURCE)) if (name !== node) filler.domainSource(source);
}

const fillerOf = (object: BpfObject): MapFiller => new MapFiller((name) => object.map(name));

/** Fills the maps of one hypervisor: a tenant, its port, and its addresses here and at the other. */
export function fill(object: BpfObject, side: Side, devices: Devices, tenantMtu: number): void {
  const { port, uplink, runs, portFlags = PORT_FLAGS.veth } = devices;
  const { tenant, peerSid, uplinkMac, steered } = side;
  const arriving = runs === undefined ? [uplink] : [uplink, runs];
  const filler = fillerOf(object);
  fillNode(
    filler,
    side.node,
    arriving.map((index) => ({ index, mac: uplinkMac })),
  );
  filler.port(port, {
    ...{ tenant, slot: 0, mtu: tenantMtu, dscp: DscpPolicy.DSCP_COPY, flags: portFlags },
    ...{ mac: side.vmMac, gatewayMac: side.portMac, formerMac: side.portMac },
  });
  filler.sid(side.sid, tenant, Behaviour.END_DT46);
  const hop = onlyHop({ ifindex: uplink, mtu: UNDERLAY_MTU, destMac: side.peerMac, sourceMac: uplinkMac });
  filler.nexthopGroup(1, { destination: peerSid, length: 128, hops: [hop] });
  filler.encap(1, [peerSid], 1);
  const remote =
    steered === undefined
      ? { type: EndpointType.EP_REMOTE, id: 1 }
      : { type: EndpointType.EP_VIA_GATEWAY, id: steered.gateway };
  for (const prefix of side.remote) filler.endpoint(tenant, hostOrPrefix(prefix), remote);
  if (steered !== undefined) fillSteered(filler, tenant, steered);
  for (const prefix of side.local) {
    filler.endpoint(tenant, hostOrPrefix(prefix), { type: EndpointType.EP_LOCAL, id: port });
    filler.source(port, hostOrPrefix(prefix));
  }
  filler.forget();
}

/** A gateway of one network node, behind encapsulation 1. */
function fillSteered(filler: MapFiller, tenant: number, { gateway, node, source }: NonNullable<Side['steered']>): void {
  filler.maglev(gateway, () => node);
  filler.networkNodeState(node, true);
  filler.networkNodeSource(source, node);
  filler.flowSeeds();
  filler.gatewayEncap(tenant, node, 1);
}

/** Tenants on the node, remote ports of each, and destinations of the one that sends; other nodes that have them. */
export const LARGE = { tenants: 4096, portsPerTenant: 250, destinations: 4096, nodes: 256 } as const;

/** The function part of a SID towards the same tenant at another node that the chain's peer stands in for. */
function sidOfNode(sid: string, node: number): string {
  return sid.replace(/::$/, `::${node.toString(16)}`);
}

/** A SID of the tenant at each of the other nodes, all of which the chain's peer stands in for; encapsulations from FAR on. */
function fillNodes(object: BpfObject, side: Side): void {
  const filler = fillerOf(object);
  for (let node = 0; node < LARGE.nodes; node++) {
    filler.encap(FAR + node, [sidOfNode(side.peerSid, node)], 1);
    filler.sid(sidOfNode(side.sid, node), side.tenant, Behaviour.END_DT46);
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

/** The first IPv4 address behind the sink, as a number. */
function firstDestination(): number {
  const bytes = Buffer.alloc(4);
  writeAddress(INNER[4].sink, bytes, 0);
  return bytes.readUInt32BE(0);
}

/** The sending tenant's addresses behind the sink, from its first on: at the sink's hypervisor all are its port's. */
function addDestinations(batch: EndpointBatch, side: Side, port: number, count: number): void {
  const isNear = side.local.includes(INNER[4].sinkPrefix);
  const address = Buffer.alloc(16);
  const first = firstDestination();
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
  const first = firstDestination();
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
