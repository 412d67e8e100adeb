/** Removes failed next hops at once: before routes and neighbours are resolved again, and ahead of the task queue. */
import { nextCacheGeneration } from './epoch.js';
import { hopSlots } from './hop-slots.js';
import { Nexthop, NexthopGroup } from './generated/layouts.js';
import { formatMac } from 'netlink-ts/inet';
import { NeighbourState, type NetlinkEvent } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

/**
 * Removes next hops over an uplink that went down, or over a neighbour that failed, from every next-hop group. Synchronous, and takes microseconds.
 * Replacements are resolved by the reconciliation that the same event causes.
 *
 * @returns number of changed groups
 */
export function dropFailedHops(kernel: Kernel, event: NetlinkEvent): number {
  const isLost = lostBy(kernel, event);
  const { maps } = kernel.fastpath;
  if (isLost === undefined || maps === undefined) return 0;
  let changed = 0;
  for (const [key, value] of maps.sg_nh_groups.entries()) {
    if (!removeHops(value, isLost)) continue;
    maps.sg_nh_groups.update(key, value);
    changed += 1;
  }
  // Without this, programs would keep using cached next hops.
  if (changed > 0) nextCacheGeneration(maps.sg_cache_gen);
  return changed;
}

type IsLost = (ifindex: number, destMac: () => string) => boolean;

function lostBy(kernel: Kernel, event: NetlinkEvent): IsLost | undefined {
  if (event.kind === 'link') {
    const { index, up, carrier } = event.value;
    if (event.change !== 'delete' && up && carrier !== false) return undefined;
    return (ifindex) => ifindex === index;
  }
  if (event.kind !== 'neighbour') return undefined;
  const { ifindex: device, address, state } = event.value;
  if (event.change !== 'delete' && (state & NeighbourState.failed) === 0) return undefined;
  // A failed neighbour's notification contains no MAC address.
  const mac = kernel.fastpath.neighbourMacs.get(`${device} ${address}`);
  return mac === undefined ? undefined : (ifindex, destMac) => ifindex === device && destMac() === mac;
}

/** Removes lost next hops and compacts the rest. @returns whether there were any */
function removeHops(value: Buffer, isLost: IsLost): boolean {
  const count = value.readUInt32LE(NexthopGroup.OFFSETS.count);
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const at = NexthopGroup.OFFSETS.hops + index * Nexthop.SIZE;
    const destMac = (): string => formatMac(value, at + Nexthop.OFFSETS.destMac);
    if (isLost(value.readUInt32LE(at + Nexthop.OFFSETS.ifindex), destMac)) continue;
    value.copy(value, NexthopGroup.OFFSETS.hops + kept * Nexthop.SIZE, at, at + Nexthop.SIZE);
    kept += 1;
  }
  if (kept === count) return false;
  value.fill(0, NexthopGroup.OFFSETS.hops + kept * Nexthop.SIZE, NexthopGroup.OFFSETS.hops + count * Nexthop.SIZE);
  value.writeUInt32LE(kept, NexthopGroup.OFFSETS.count);
  const at = (index: number): number => NexthopGroup.OFFSETS.hops + index * Nexthop.SIZE;
  const left = Array.from({ length: kept }, (_, index) => ({
    ifindex: value.readUInt32LE(at(index) + Nexthop.OFFSETS.ifindex),
    destMac: formatMac(value, at(index) + Nexthop.OFFSETS.destMac),
    weight: value.readUInt8(at(index) + Nexthop.OFFSETS.weight) + 1,
  }));
  hopSlots(left).copy(value, NexthopGroup.OFFSETS.slots);
  return true;
}
