/** Ids of encapsulations, underlays and counters: read from the maps, by what the entries say. */
import { formatIPv6 } from 'netlink-ts/inet';
import { Encap, Port, NexthopGroup } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectIds } from '../kernel/object-ids.js';

const SRH_HEAD_BYTES = 8;
const SEGMENT_BYTES = 16;

/** What an underlay entry leads to: its key in the plan. */
export function underlayKey(values: Buffer, at: number): string {
  const length = values.readUInt32LE(at + NexthopGroup.OFFSETS.length);
  return `${formatIPv6(values, at + NexthopGroup.OFFSETS.dest)}/${length}`;
}

/** Segments of an encapsulation in travel order; the SRH has them from the last to the second. */
export function segmentsOf(values: Buffer, at: number): string[] {
  const segments = [formatIPv6(values, at + Encap.OFFSETS.first)];
  const bytes = values.readUInt16LE(at + Encap.OFFSETS.srhBytes);
  for (let end = bytes; end > SRH_HEAD_BYTES; end -= SEGMENT_BYTES) {
    segments.push(formatIPv6(values, at + Encap.OFFSETS.srh + end - SEGMENT_BYTES));
  }
  return segments;
}

/** Takes an id in under a key, or under one of its own when the key has an id already: no plan has that one, and it goes. */
export function learn(ids: ObjectIds, key: string, id: number): string {
  const unique = ids.get(key) === undefined ? key : `${key} id ${id}`;
  ids.set(unique, id);
  return unique;
}

/** Reads the ids anew where this process has not read them, or another process wrote since. */
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
