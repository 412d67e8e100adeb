/**
 * Gateways of the underlay are managed neighbours (NTF_EXT_MANAGED): the fast path sends past the kernel's neighbour table, so
 * without that the kernel would neither resolve a gateway nor find out that one is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNetlinkError, NeighbourFlag, NeighbourState, replaceNeighbour } from 'netlink-ts';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { UnderlayNeighbour } from './resolve.js';
import type { BpfUnderlay } from './objects.js';

const MEMORY = 'managed ';
/** How long an answer to the first solicitation is waited for, milliseconds. */
const RESOLVE_MS = 100;
const POLL_MS = 5;

/** Whether it is to be managed. Managed, a static neighbour would lose its address (__neigh_update, net/core/neighbour.c). */
function needsManaged({ managed, fixed }: UnderlayNeighbour): boolean {
  return !managed && !fixed;
}

/** Whether all of them stay resolved. */
export function allManaged(gateways: readonly UnderlayNeighbour[]): boolean {
  return !gateways.some(needsManaged);
}

/**
 * Has the kernel keep the gateways of these ways resolved, and waits a short while for those it has to ask first.
 *
 * @param again solicits those that are managed and have not answered, too
 */
export async function manageNeighbours(
  kernel: Kernel,
  underlays: readonly BpfUnderlay[],
  { again = false }: { again?: boolean } = {},
): Promise<void> {
  const resolver = new Resolver(kernel);
  const found = new Map<string, UnderlayNeighbour>();
  for (const underlay of underlays) {
    for (const gateway of resolver.resolve(underlay).gateways) {
      const isSilent = again && !gateway.fixed && gateway.mac === undefined;
      if (needsManaged(gateway) || isSilent) found.set(`${gateway.ifindex} ${gateway.address}`, gateway);
    }
  }
  if (found.size === 0) return;
  kernel.savedSettings.remember(
    [...found.values()].map(({ ifindex, address }) => [`${MEMORY}${kernel.links.nameOf(ifindex)} ${address}`, '']),
  );
  for (const { ifindex, address } of found.values()) setFlag(kernel, ifindex, address, NeighbourFlag.managed);
  const asked = [...found.values()].filter(({ mac }) => mac === undefined);
  for (let waited = 0; waited < RESOLVE_MS && asked.length > 0; waited += POLL_MS) {
    await sleep(POLL_MS);
    const fresh = new Resolver(kernel);
    if (asked.every(({ ifindex, address }) => fresh.gateway(ifindex, address).mac !== undefined)) return;
  }
}

/** Leaves them to the kernel's own ways again. */
export function unmanageNeighbours(kernel: Kernel): void {
  const keys = kernel.savedSettings.keys().filter((key) => key.startsWith(MEMORY));
  for (const key of keys) {
    const [device = '', address = ''] = key.slice(MEMORY.length).split(' ');
    const link = kernel.links.get(device);
    // Any other flag than managed takes that one away (neigh_update_flags, net/core/neighbour.c).
    if (link !== undefined && new Resolver(kernel).gateway(link.index, address).managed) {
      setFlag(kernel, link.index, address, NeighbourFlag.use);
    }
  }
  kernel.savedSettings.forget(keys);
}

function setFlag(kernel: Kernel, ifindex: number, address: string, flags: number): void {
  try {
    kernel.socket.request(replaceNeighbour({ ifindex, address, flags, state: NeighbourState.none }));
  } catch (error) {
    // The device went down meanwhile: its events come.
    if (!isNetlinkError(error, 'ENODEV', 'ENETDOWN')) throw error;
  }
}
