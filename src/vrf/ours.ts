import { vrfNameOfTable } from '../plan/numbers.js';
import { ALIAS_PREFIX } from './plan.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from 'netlink-ts';

/** Names of our VRFs: `sg-<tenant id>`. */
export const VRF_NAME = /^sg-[0-9]+$/;

/**
 * A VRF of segue's: by name and alias, or by name and table where a crash came before the alias or somebody took it. An
 * alias alone is no proof.
 */
export function isOurVrf({ kind, name, alias, vrfTable }: Link): boolean {
  if (kind !== 'vrf' || !VRF_NAME.test(name)) return false;
  return alias?.startsWith(ALIAS_PREFIX) === true || (vrfTable !== undefined && name === vrfNameOfTable(vrfTable));
}

/** Name of the VRF of ours that a link is a member of. */
export function ourMaster(kernel: Kernel, link: Link): string | undefined {
  const name = kernel.links.masterOf(link);
  const master = name === undefined ? undefined : kernel.links.get(name);
  return master !== undefined && isOurVrf(master) ? name : undefined;
}
