/**
 * Makes underlay gateways managed neighbours (NTF_EXT_MANAGED). The fast path bypasses the kernel's neighbour table, so otherwise the kernel would
 * neither resolve a gateway nor notice that it is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNetlinkError, NeighbourFlag, NeighbourState, replaceNeighbour } from 'netlink-ts';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { UnderlayNeighbour } from './resolve.js';
import type { BpfUnderlay } from './objects.js';

const MEMORY = 'managed ';
/** How long to wait for an answer to the first solicitation, in milliseconds. */
const RESOLVE_MS = 100;
const POLL_MS = 5;

/** Whether to make a neighbour managed. A static neighbour would lose its address (__neigh_update, net/core/neighbour.c). */
function needsManaged({ managed, fixed }: UnderlayNeighbour): boolean {
  return !managed && !fixed;
}

/** Whether the kernel keeps all of them resolved. */
export function allManaged(gateways: readonly UnderlayNeighbour[]): boolean {
  return !gateways.some(needsManaged);
}

/**
 * Makes the gateways of these destinations managed neighbours, and waits briefly for those that are unresolved.
 *
 * @param again also solicits managed neighbours that have not answered
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

/** Ends the management of neighbours by segue. */
export function unmanageNeighbours(kernel: Kernel): void {
  const keys = kernel.savedSettings.keys().filter((key) => key.startsWith(MEMORY));
  for (const key of keys) {
    const [device = '', address = ''] = key.slice(MEMORY.length).split(' ');
    const link = kernel.links.get(device);
    // Setting any flag other than managed clears managed (neigh_update_flags, net/core/neighbour.c).
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
    // The device went down meanwhile; its notification will follow.
    if (!isNetlinkError(error, 'ENODEV', 'ENETDOWN')) throw error;
  }
}
