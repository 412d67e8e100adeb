/** Entries of the fast path's maps as `show` prints them, read in batches, since a node may have a million. */
import { BEHAVIOUR_CODE } from '../../encap/sid.js';
import { getAddress } from '../../ebpf/bytes.js';
import {
  Encap,
  EndpointKey,
  PrefixKey,
  Sid,
  Endpoint,
  EndpointType,
  NexthopGroup,
  Limits,
} from '../../ebpf/generated/layouts.js';
import { segmentsOf } from '../../ebpf/ids.js';
import { formatIPv6, writeAddress } from 'netlink-ts/inet';
import type { TenantBehaviour } from '../../encap/sid.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from './context.js';

/** Bits that precede the prefix in a key: tenant and family. */
const KEY_BITS = 64;
/** EP_EXTERNAL_XDP_XMIT of bpf/abi/types.h. */
const EXTERNAL_FRAMES = 0x80000000;
const U32_BYTES = 4;

/** The maps of a node whose fast path forwards alone and holds all its routes; undefined on other nodes. */
export function ebpfOnlyMaps({ kernel, names, config }: ShowContext): FastpathMaps | undefined {
  const { fastpath } = kernel;
  // With VRFs the kernel's tables hold the same routes, and are authoritative.
  if (names.vrfs.length > 0 || fastpath.responderAlone) return undefined;
  const { maps } = fastpath;
  if (maps === undefined || config.dataplane === 'ebpf') return maps;
  // The node file may have changed without an apply since.
  return [...maps.sg_ports.keys()].length > 0 ? maps : undefined;
}

export interface EncapEntry {
  id: number;
  segments: string[];
  /** Number of resolved underlay next hops. */
  hops: number;
}

/** Encapsulations by id. */
export function encapEntries({ sg_encaps, sg_nh_groups }: FastpathMaps): Map<number, EncapEntry> {
  const hops = new Map<number, number>();
  for (const { count, keys, values } of sg_nh_groups.readBatches()) {
    for (let index = 0; index < count; index++) {
      hops.set(
        keys.readUInt32LE(index * U32_BYTES),
        values.readUInt32LE(index * NexthopGroup.SIZE + NexthopGroup.OFFSETS.count),
      );
    }
  }
  const found = new Map<number, EncapEntry>();
  for (const { count, keys, values } of sg_encaps.readBatches()) {
    for (let index = 0; index < count; index++) {
      const id = keys.readUInt32LE(index * U32_BYTES);
      const at = index * Encap.SIZE;
      const underlay = values.readUInt32LE(at + Encap.OFFSETS.nexthopGroup);
      found.set(id, { id, segments: segmentsOf(values, at), hops: hops.get(underlay) ?? 0 });
    }
  }
  return found;
}

export interface SidEntry {
  sid: string;
  tenant: number;
  behaviour: TenantBehaviour;
}

/** Local SIDs by address. */
export function sidEntries({ sg_sids }: FastpathMaps): SidEntry[] {
  return [...sg_sids.entries()]
    .map(([key, value]) => ({
      sid: formatIPv6(key, 0),
      tenant: value.readUInt32LE(Sid.OFFSETS.tenant),
      behaviour: behaviourOf(value.readUInt32LE(Sid.OFFSETS.behaviour)) ?? 'End.DT46',
    }))
    .sort((a, b) => a.tenant - b.tenant || a.sid.localeCompare(b.sid));
}

function behaviourOf(code: number): TenantBehaviour | undefined {
  const found = Object.entries(BEHAVIOUR_CODE).find(([, number]) => number === code);
  return found?.[0] as TenantBehaviour | undefined;
}

/** Parses the function of a tenant's SID, which is the same on every node (encap/sid.ts). */
export function readTenantSid(sid: string): { tenant: number; behaviour: TenantBehaviour } | undefined {
  const bytes = Buffer.alloc(16);
  writeAddress(sid, bytes, 0);
  const behaviour = behaviourOf(bytes.readUInt8(6));
  return behaviour === undefined ? undefined : { tenant: bytes.readUIntBE(7, 3), behaviour };
}

/** The destination of packets for an address or a prefix. */
export type Destination =
  | { kind: 'port' | 'external'; ifindex: number }
  | { kind: 'encap'; id: number }
  | { kind: 'steered'; gateway: number }
  | { kind: 'gateway' | 'absent' | 'kernel' };

export interface RouteEntry {
  /** Number of a tenant or of an external network. */
  zone: number;
  prefix: string;
  family: 4 | 6;
  to: Destination;
}

/** Addresses, then prefixes, each in the order of the map. */
export function* routeEntries({ sg_endpoints, sg_endpoint_lpm }: FastpathMaps): Generator<RouteEntry, void, undefined> {
  for (const { count, keys, values } of sg_endpoints.readBatches()) {
    for (let index = 0; index < count; index++) {
      const at = index * EndpointKey.SIZE;
      const family = keys.readUInt32LE(at + EndpointKey.OFFSETS.family) === 4 ? 4 : 6;
      yield {
        zone: keys.readUInt32LE(at + EndpointKey.OFFSETS.tenant),
        prefix: `${getAddress(keys, at + EndpointKey.OFFSETS.address, family)}/${family === 4 ? 32 : 128}`,
        family,
        to: readDestination(values, index * Endpoint.SIZE),
      };
    }
  }
  for (const { count, keys, values } of sg_endpoint_lpm.readBatches()) {
    for (let index = 0; index < count; index++) {
      const at = index * PrefixKey.SIZE;
      const family = keys.readUInt32LE(at + PrefixKey.OFFSETS.family) === 4 ? 4 : 6;
      const length = keys.readUInt32LE(at + PrefixKey.OFFSETS.length) - KEY_BITS;
      yield {
        zone: keys.readUInt32LE(at + PrefixKey.OFFSETS.tenant),
        prefix: `${getAddress(keys, at + PrefixKey.OFFSETS.address, family)}/${length}`,
        family,
        to: readDestination(values, index * Endpoint.SIZE),
      };
    }
  }
}

function readDestination(values: Buffer, at: number): Destination {
  const id = values.readUInt32LE(at + Endpoint.OFFSETS.id);
  switch (values.readUInt32LE(at + Endpoint.OFFSETS.type)) {
    case EndpointType.EP_LOCAL:
      return { kind: 'port', ifindex: id };
    case EndpointType.EP_EXTERNAL:
      return { kind: 'external', ifindex: id & ~EXTERNAL_FRAMES };
    case EndpointType.EP_REMOTE:
      return id === 0 ? { kind: 'kernel' } : { kind: 'encap', id };
    case EndpointType.EP_VIA_GATEWAY:
      return { kind: 'steered', gateway: id & ((1 << Limits.GW_FIXED_SLOT_SHIFT) - 1) };
    case EndpointType.EP_GATEWAY:
      return { kind: 'gateway' };
    default:
      return { kind: 'absent' };
  }
}
