import { dropFailedHops } from '../ebpf/failover.js';
import { invalidate } from './invalidations.js';
import type { NetlinkEvent } from '../netlink/types.js';
import type { Plan } from '../plan/plan.js';
import type { Invalidations } from './invalidations.js';
import type { Instance } from './instance.js';

export interface EventContext {
  instance: Instance;
  uplinks: readonly string[];
  plan: Plan;
  /** Ways of the underlay are asked for. */
  asksWays: boolean;
  /** Added to. */
  invalidations: Invalidations;
}

/** Takes in what the kernel tells: devices as they are now, next hops that fail, and what is to be looked at. */
export function noteEvents(
  events: readonly NetlinkEvent[],
  { instance, uplinks, plan, asksWays, invalidations }: EventContext,
): void {
  const { links, nexthopIds } = instance.kernel;
  const nameOf = (ifindex: number): string => links.nameOf(ifindex);
  const concerns = (device: string | number): boolean => {
    const name = typeof device === 'number' ? links.nameOf(device) : device;
    return plan.port.has(name) || plan.vrf.has(name) || name === 'lo' || uplinks.includes(name);
  };
  const isUplink = (device: string): boolean => uplinks.includes(device);
  const nexthopDevices = (id: number, oif: number | undefined): string[] => [
    ...(oif === undefined ? [] : [links.nameOf(oif)]),
    ...(nexthopIds.keyOf(id)?.split(' ').slice(1, 2) ?? []),
  ];
  const context = { plan, concerns, isUplink, nameOf, asksWays, nexthopDevices };
  for (const event of events) {
    // Wireless extensions tell of themselves with next to nothing of the device (wext-core.c).
    if (event.kind === 'link' && event.value.mtu > 0) links.note(event.value, event.change);
    dropFailedHops(instance.kernel, event);
    invalidate(invalidations, event, context);
    if (event.kind !== 'link') continue;
    // What was planned for the name that a device had is without one.
    for (const name of links.takeFormerNames(event.value.index)) {
      invalidate(invalidations, { ...event, value: { ...event.value, name } }, context);
    }
  }
}
