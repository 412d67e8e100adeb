import { vrfNameOfTable } from '../plan/numbers.js';
import { ALIAS_PREFIX } from './plan.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from 'netlink-ts';

/** Names of segue's VRFs: `sg-<tenant id>`. */
export const VRF_NAME = /^sg-[0-9]+$/;

/**
 * Whether a link is segue's VRF: by name and alias, or by name and table if a crash prevented setting the alias, or others removed it. An alias
 * alone is no proof.
 */
export function isOurVrf({ kind, name, alias, vrfTable }: Link): boolean {
  if (kind !== 'vrf' || !VRF_NAME.test(name)) return false;
  return alias?.startsWith(ALIAS_PREFIX) === true || (vrfTable !== undefined && name === vrfNameOfTable(vrfTable));
}

/** Name of segue's VRF that a link is a member of. */
export function ourMaster(kernel: Kernel, link: Link): string | undefined {
  const name = kernel.links.masterOf(link);
  const master = name === undefined ? undefined : kernel.links.get(name);
  return master !== undefined && isOurVrf(master) ? name : undefined;
}

/** A tenant's VRF in the kernel. */
export interface OwnVrf {
  name: string;
  index: number;
  table: number;
  /** Name of the tenant, from the alias. */
  tenant: string;
  up: boolean;
}

/** The tenants' VRFs, by table. */
export function ownVrfs({ links }: Kernel): OwnVrf[] {
  return [...links.all()].flatMap((link) => ownVrf(link) ?? []).sort((a, b) => a.table - b.table);
}

function ownVrf(link: Link): OwnVrf | undefined {
  if (link.kind !== 'vrf' || link.vrfTable === undefined || !link.alias?.startsWith(ALIAS_PREFIX)) return undefined;
  const { name, index, vrfTable: table, up } = link;
  return { name, index, table, tenant: link.alias.slice(ALIAS_PREFIX.length), up };
}
