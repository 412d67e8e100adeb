/** What failed leaves the ways at once: before routes and neighbours are asked again, and past whatever is under way. */
import { nextCacheGeneration } from './epoch.js';
import { hopSlots } from './hop-slots.js';
import { Nexthop, NexthopGroup } from './generated/layouts.js';
import { formatMac } from 'netlink-ts/inet';
import { NeighbourState, type NetlinkEvent } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';

/**
 * Takes the hops over an uplink that went down, or over a neighbour that does not answer, out of every entry. Synchronous, a
 * look at each entry: microseconds; what the kernel's routes say instead is for the look that the same event asks for.
 *
 * @returns entries that were changed
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
  // Else programs go on by the hops that they remember.
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
  // The kernel says no address of what it has lost.
  const mac = kernel.fastpath.neighbourMacs.get(`${device} ${address}`);
  return mac === undefined ? undefined : (ifindex, destMac) => ifindex === device && destMac() === mac;
}

/** Closes the gaps that lost hops leave. @returns whether there were any */
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
