/** A path through transit segments in the intent. */
import { z } from 'zod';
import { MAX_VIA_SEGMENTS } from '../intent/bounds.js';
import { NODE_NAME, some, TENANT_NAME, text } from '../intent/schema-values.js';
import { Structure } from '../intent/structure.js';

/** Transit segments for traffic to a node. Its key is (to, tenants). */
export interface Path {
  /** Name of the destination node. */
  to: string;
  /** SIDs to visit in this order before the tenant's SID on `to`; at least one. */
  via: string[];
  /** Names of the tenants that use it, sorted; absent: all tenants that no other path to the node names. */
  tenants?: string[];
}

const VIA = `a list of 1 to ${MAX_VIA_SEGMENTS} SIDs`;

export const pathStructure = new Structure(
  z.strictObject(
    {
      to: text(NODE_NAME),
      via: some(text('a SID, an IPv6 address'), VIA).max(MAX_VIA_SEGMENTS, { error: VIA }),
      tenants: some(text(TENANT_NAME), 'a list of one or more names of tenants').optional(),
    },
    { error: 'a path: a map with to and via' },
  ),
);

/** Key of a path: its destination and tenants. `hv2 *` is the path of all other tenants. */
export function pathKey({ to, tenants }: Pick<Path, 'to' | 'tenants'>): string {
  return `${to} ${tenants ? tenants.join(',') : '*'}`;
}

/**
 * The part of a path that is relevant to these nodes and tenants; undefined if there is none. The destination itself never uses the path.
 */
export function scopePath(
  path: Path,
  node: string,
  hasNode: (name: string) => boolean,
  hasTenant: (name: string) => boolean,
): Path | undefined {
  if (path.to === node || !hasNode(path.to)) return undefined;
  if (!path.tenants) return path;
  const tenants = path.tenants.filter(hasTenant);
  if (tenants.length === path.tenants.length) return path;
  return tenants.length === 0 ? undefined : { ...path, tenants };
}
