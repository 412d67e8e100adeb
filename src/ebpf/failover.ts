/** What failed leaves the ways at once: before routes and neighbours are asked again, and past whatever is under way. */
import { nextCacheGeneration } from './epoch.js';
import { hopSlots } from './hop-slots.js';
import { Hop, Underlay } from './generated/layouts.js';
import { formatMac } from '../net/mac.js';
import { NeighbourState } from '../netlink/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { NetlinkEvent } from '../netlink/types.js';

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
  const count = value.readUInt32LE(Underlay.OFFSETS.count);
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const at = Underlay.OFFSETS.hops + index * Hop.SIZE;
    const destMac = (): string => formatMac(value, at + Hop.OFFSETS.destMac);
    if (isLost(value.readUInt32LE(at + Hop.OFFSETS.ifindex), destMac)) continue;
    value.copy(value, Underlay.OFFSETS.hops + kept * Hop.SIZE, at, at + Hop.SIZE);
    kept += 1;
  }
  if (kept === count) return false;
  value.fill(0, Underlay.OFFSETS.hops + kept * Hop.SIZE, Underlay.OFFSETS.hops + count * Hop.SIZE);
  value.writeUInt32LE(kept, Underlay.OFFSETS.count);
  const at = (index: number): number => Underlay.OFFSETS.hops + index * Hop.SIZE;
  const left = Array.from({ length: kept }, (_, index) => ({
    ifindex: value.readUInt32LE(at(index) + Hop.OFFSETS.ifindex),
    destMac: formatMac(value, at(index) + Hop.OFFSETS.destMac),
    weight: value.readUInt8(at(index) + Hop.OFFSETS.weight) + 1,
  }));
  hopSlots(left).copy(value, Underlay.OFFSETS.slots);
  return true;
}
