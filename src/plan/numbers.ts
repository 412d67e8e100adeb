/** Numbers that identify segue's objects, the same on every node (docs/design: names and numbers). */

/** Protocol of segue's routes, rules, addresses and neighbours; named `segue` in rt_protos.d. */
export const PROTOCOL = 94;

/** A tenant's routing table is this plus its id (24 bits). */
export const TABLE_BASE = 0x5e000000;

/** Ids of next-hop objects: 24 bits from here up. */
export const NEXTHOP_ID_BASE = 0x5e000000;
export const NEXTHOP_ID_COUNT = 0x01000000;

/** Linux's main table. */
export const MAIN_TABLE = 254;
/** Linux's local table. */
export const LOCAL_TABLE = 255;

/** Priority to which the rule `lookup local` moves from 0, so that l3mdev (1000) precedes it. */
export const LOCAL_RULE_PRIORITY = 32765;
/** Rule by which this node's outer packets look up the SID block in main. */
export const OUTER_RULE_PRIORITY = 990;
/** Rule that keeps all other packets of VRFs from reaching the SID block. */
export const BLOCK_RULE_PRIORITY = 991;

/**
 * Rules for destinations in the node's own locator: looked up in local (addresses), then in main (SIDs), else discarded. They come after l3mdev and
 * before main's own rule (32766).
 */
export const LOCATOR_LOCAL_PRIORITY = 32762;
export const LOCATOR_MAIN_PRIORITY = 32763;
export const LOCATOR_DISCARD_PRIORITY = 32764;

/** Priority at which the VRF driver adds `lookup [l3mdev-table]`. */
export const L3MDEV_RULE_PRIORITY = 1000;

/** Metric of the unreachable default route in a tenant's table, after any other default (kernel Documentation/networking/vrf.rst). */
export const SEAL_METRIC = 4278198272;

/** Most proxy NDP entries of a port: the kernel's cost grows with their square (50,000 took 40 s). */
export const MAX_PROXY_NEIGHBOURS_PER_PORT = 256;

export function tenantTable(tenantId: number): number {
  return TABLE_BASE + tenantId;
}

export function isTenantTable(table: number): boolean {
  return table > TABLE_BASE && table < TABLE_BASE + 0x01000000;
}

export function vrfName(tenantId: number): string {
  return `sg-${tenantId}`;
}

/** The VRF device of a tenant's table; undefined for other tables. */
export function vrfNameOfTable(table: number): string | undefined {
  return isTenantTable(table) ? vrfName(table - TABLE_BASE) : undefined;
}
