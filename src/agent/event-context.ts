import { emptyPlan } from '../app/planning.js';
import type { EventContext } from '../reconcile/follows.js';
import type { Session } from './session.js';

/** What handlers of events may use: the plan, the facts, and names of devices. */
export function eventContext({ instance, reconciler }: Session, uplinks: readonly string[]): EventContext {
  const { plan = emptyPlan(), facts = { uplinkMtu: 0 } } = reconciler;
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
  return { plan, facts, concerns, isUplink, nameOf, nexthopDevices };
}
