/** Which zone an address is in, as the programs of a network node look it up. */
import { familyNumber, putAddress } from '../ebpf/bytes.js';
import { PrefixKey } from '../ebpf/generated/layouts.js';
import { Zone } from '../ebpf/generated/steering.js';
import { addressLength, familyOf } from 'netlink-ts/inet';
import type { SteeringStore } from './steering-maps.js';

const BYTE_BITS = 8;
/** Bits before a prefix's own in a key. */
const KEY_BITS = 64;

/** Whose packets arrive for a gateway's SID; undefined: it is none of this node's. */
export function zoneOfSid({ maps }: SteeringStore, address: string): Zone | undefined {
  const sid = Buffer.alloc(addressLength(6));
  putAddress(address, sid, 0);
  const value = maps?.sg_gw_sids.lookup(sid);
  return value === undefined ? undefined : Zone.decode(value, 0);
}

/** Which zone an address is in, seen from another; undefined: in none that it has policies with. */
export function zoneTo({ maps }: SteeringStore, from: number, to: string): Zone | undefined {
  const key = Buffer.alloc(PrefixKey.SIZE);
  key.writeUInt32LE(KEY_BITS + addressLength(familyOf(to)) * BYTE_BITS, PrefixKey.OFFSETS.length);
  key.writeUInt32LE(from, PrefixKey.OFFSETS.tenant);
  key.writeUInt32LE(familyNumber(to), PrefixKey.OFFSETS.family);
  putAddress(to, key, PrefixKey.OFFSETS.address);
  const value = maps?.sg_zone_routes.lookup(key);
  return value === undefined ? undefined : Zone.decode(value, 0);
}
