/** Ids of encapsulations, next-hop groups and counters, read from the entries of the maps. */
import { formatIPv6 } from 'netlink-ts/inet';
import { Encap, Port, NexthopGroup } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectIds } from '../kernel/object-ids.js';

const SRH_HEAD_BYTES = 8;
const SEGMENT_BYTES = 16;

/** The plan's key of a next-hop group: its destination. */
export function underlayKey(values: Buffer, at: number): string {
  const length = values.readUInt32LE(at + NexthopGroup.OFFSETS.length);
  return `${formatIPv6(values, at + NexthopGroup.OFFSETS.dest)}/${length}`;
}

/** Segments of an encapsulation in travel order; the SRH stores them from the last to the second. */
export function segmentsOf(values: Buffer, at: number): string[] {
  const segments = [formatIPv6(values, at + Encap.OFFSETS.first)];
  const bytes = values.readUInt16LE(at + Encap.OFFSETS.srhBytes);
  for (let end = bytes; end > SRH_HEAD_BYTES; end -= SEGMENT_BYTES) {
    segments.push(formatIPv6(values, at + Encap.OFFSETS.srh + end - SEGMENT_BYTES));
  }
  return segments;
}

/** Records an id under its key. If the key already has an id, a unique key is used, which no plan contains, so that the entry is removed. */
export function learn(ids: ObjectIds, key: string, id: number): string {
  const unique = ids.get(key) === undefined ? key : `${key} id ${id}`;
  ids.set(unique, id);
  return unique;
}

/** Reads the ids, unless this process has read them and no other process has written since. */
export function ensureIds(kernel: Kernel): void {
  const { fastpath } = kernel;
  const { maps } = fastpath;
  if (fastpath.idsKnown || maps === undefined) return;
  const { underlayIds, encapIds, slots } = fastpath;
  for (const ids of [underlayIds, encapIds, slots]) ids.clear();
  for (const { count, keys, values } of maps.sg_nh_groups.readBatches()) {
    for (let index = 0; index < count; index++) {
      learn(underlayIds, underlayKey(values, index * NexthopGroup.SIZE), keys.readUInt32LE(index * 4));
    }
  }
  for (const { count, keys, values } of maps.sg_encaps.readBatches()) {
    for (let index = 0; index < count; index++) {
      learn(encapIds, segmentsOf(values, index * Encap.SIZE).at(-1) ?? '', keys.readUInt32LE(index * 4));
    }
  }
  for (const { count, keys, values } of maps.sg_ports.readBatches()) {
    for (let index = 0; index < count; index++) {
      const device = kernel.links.nameOf(keys.readUInt32LE(index * 4));
      learn(slots, device, values.readUInt32LE(index * Port.SIZE + Port.OFFSETS.slot));
    }
  }
  fastpath.setIdsKnown();
}
