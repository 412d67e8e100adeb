import { vrfNameOfTable } from '../plan/numbers.js';
import { ALIAS_PREFIX } from './plan.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from '../netlink/types.js';

/** A VRF of segue's: by the alias, or by name and table where a crash came before the alias or somebody took it. */
export function isOurVrf({ kind, name, alias, vrfTable }: Link): boolean {
  if (kind !== 'vrf') return false;
  return alias?.startsWith(ALIAS_PREFIX) === true || (vrfTable !== undefined && name === vrfNameOfTable(vrfTable));
}

/** Name of the VRF of ours that a link is a member of. */
export function ourMaster(kernel: Kernel, link: Link): string | undefined {
  const name = kernel.links.masterOf(link);
  const master = name === undefined ? undefined : kernel.links.get(name);
  return master !== undefined && isOurVrf(master) ? name : undefined;
}
