/** What the fast path's maps hold, in the terms of `show` and a batch at a time: a node may have a million entries. */
import { BEHAVIOUR_CODE } from '../../encap/sid.js';
import { getAddress } from '../../ebpf/bytes.js';
import { Encap, MemberKey, PrefixKey, Sid, Target, TargetKind, Underlay } from '../../ebpf/generated/layouts.js';
import { segmentsOf } from '../../ebpf/ids.js';
import { PLACE_SHIFT } from '../../ebpf/member-resources.js';
import { formatIPv6, writeAddress } from '../../net/address.js';
import type { TenantBehaviour } from '../../encap/sid.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from './context.js';

/** Bits of a prefix's key before its own: tenant and family. */
const KEY_BITS = 64;
/** EXTERNAL_FRAMES of bpf/abi/types.h. */
const EXTERNAL_FRAMES = 0x80000000;
const U32_BYTES = 4;

/** The maps of a node that forwards by the fast path alone: its routes are there and nowhere else; undefined on others. */
export function ebpfOnlyMaps({ kernel, names, config }: ShowContext): FastpathMaps | undefined {
  const { fastpath } = kernel;
  // With VRFs the kernel's tables hold the same, and are what counts.
  if (names.vrfs.length > 0 || fastpath.responderAlone) return undefined;
  const { maps } = fastpath;
  if (maps === undefined || config.dataplane === 'ebpf') return maps;
  // Not applied since the node file says something else.
  return [...maps.ports.keys()].length > 0 ? maps : undefined;
}

export interface EncapEntry {
  id: number;
  segments: string[];
  /** Ways of the underlay that are known. */
  hops: number;
}

/** Encapsulations by id. */
export function encapEntries({ encaps, underlays }: FastpathMaps): Map<number, EncapEntry> {
  const hops = new Map<number, number>();
  for (const { count, keys, values } of underlays.readBatches()) {
    for (let index = 0; index < count; index++) {
      hops.set(
        keys.readUInt32LE(index * U32_BYTES),
        values.readUInt32LE(index * Underlay.SIZE + Underlay.OFFSETS.count),
      );
    }
  }
  const found = new Map<number, EncapEntry>();
  for (const { count, keys, values } of encaps.readBatches()) {
    for (let index = 0; index < count; index++) {
      const id = keys.readUInt32LE(index * U32_BYTES);
      const at = index * Encap.SIZE;
      const underlay = values.readUInt32LE(at + Encap.OFFSETS.underlay);
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

/** Local SIDs, by address. */
export function sidEntries({ sids }: FastpathMaps): SidEntry[] {
  return [...sids.entries()]
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

/** What the function of a tenant's SID says: every node computes it alike (encap/sid.ts). */
export function readTenantSid(sid: string): { tenant: number; behaviour: TenantBehaviour } | undefined {
  const bytes = Buffer.alloc(16);
  writeAddress(sid, bytes, 0);
  const behaviour = behaviourOf(bytes.readUInt8(6));
  return behaviour === undefined ? undefined : { tenant: bytes.readUIntBE(7, 3), behaviour };
}

/** Where packets for an address or a prefix go. */
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
export function* routeEntries({ members, prefixes }: FastpathMaps): Generator<RouteEntry, void, undefined> {
  for (const { count, keys, values } of members.readBatches()) {
    for (let index = 0; index < count; index++) {
      const at = index * MemberKey.SIZE;
      const family = keys.readUInt32LE(at + MemberKey.OFFSETS.family) === 4 ? 4 : 6;
      yield {
        zone: keys.readUInt32LE(at + MemberKey.OFFSETS.tenant),
        prefix: `${getAddress(keys, at + MemberKey.OFFSETS.address, family)}/${family === 4 ? 32 : 128}`,
        family,
        to: readDestination(values, index * Target.SIZE),
      };
    }
  }
  for (const { count, keys, values } of prefixes.readBatches()) {
    for (let index = 0; index < count; index++) {
      const at = index * PrefixKey.SIZE;
      const family = keys.readUInt32LE(at + PrefixKey.OFFSETS.family) === 4 ? 4 : 6;
      const length = keys.readUInt32LE(at + PrefixKey.OFFSETS.length) - KEY_BITS;
      yield {
        zone: keys.readUInt32LE(at + PrefixKey.OFFSETS.tenant),
        prefix: `${getAddress(keys, at + PrefixKey.OFFSETS.address, family)}/${length}`,
        family,
        to: readDestination(values, index * Target.SIZE),
      };
    }
  }
}

function readDestination(values: Buffer, at: number): Destination {
  const id = values.readUInt32LE(at + Target.OFFSETS.id);
  switch (values.readUInt32LE(at + Target.OFFSETS.kind)) {
    case TargetKind.TARGET_LOCAL:
      return { kind: 'port', ifindex: id };
    case TargetKind.TARGET_EXTERNAL:
      return { kind: 'external', ifindex: id & ~EXTERNAL_FRAMES };
    case TargetKind.TARGET_REMOTE:
      return id === 0 ? { kind: 'kernel' } : { kind: 'encap', id };
    case TargetKind.TARGET_STEERED:
      return { kind: 'steered', gateway: id & ((1 << PLACE_SHIFT) - 1) };
    case TargetKind.TARGET_GATEWAY:
      return { kind: 'gateway' };
    default:
      return { kind: 'absent' };
  }
}
