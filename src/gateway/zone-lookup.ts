/** Looks up the zone of an address, as the programs of a network node do. */
import { familyNumber, putAddress } from '../ebpf/bytes.js';
import { PrefixKey } from '../ebpf/generated/layouts.js';
import { Zone } from '../ebpf/generated/steering.js';
import { addressLength, familyOf } from 'netlink-ts/inet';
import type { SteeringStore } from './steering-maps.js';

const BYTE_BITS = 8;
/** Bits that precede the prefix in a key. */
const KEY_BITS = 64;

/** The zone whose packets arrive for a gateway's SID; undefined if the SID is not this node's. */
export function zoneOfSid({ maps }: SteeringStore, address: string): Zone | undefined {
  const sid = Buffer.alloc(addressLength(6));
  putAddress(address, sid, 0);
  const value = maps?.sg_gw_sids.lookup(sid);
  return value === undefined ? undefined : Zone.decode(value, 0);
}

/** The zone of an address, seen from another zone; undefined if it is in no zone that this one has policies with. */
export function zoneTo({ maps }: SteeringStore, from: number, to: string): Zone | undefined {
  const key = Buffer.alloc(PrefixKey.SIZE);
  key.writeUInt32LE(KEY_BITS + addressLength(familyOf(to)) * BYTE_BITS, PrefixKey.OFFSETS.length);
  key.writeUInt32LE(from, PrefixKey.OFFSETS.tenant);
  key.writeUInt32LE(familyNumber(to), PrefixKey.OFFSETS.family);
  putAddress(to, key, PrefixKey.OFFSETS.address);
  const value = maps?.sg_zone_routes.lookup(key);
  return value === undefined ? undefined : Zone.decode(value, 0);
}
