/** The MAC address of a tenant's gateway if the intent has none. */
import type { Tenant } from './types.js';

/** Locally administered and unicast; `sg` in ASCII. The tenant's id follows in 24 bits. */
const DEFAULT_PREFIX = '02:73:67';

/** Depends only on the tenant, so it is the same on every node. */
export function gatewayMacOf({ id, gatewayMac }: Pick<Tenant, 'id' | 'gatewayMac'>): string {
  if (gatewayMac !== undefined) return gatewayMac;
  const digits = id.toString(16).padStart(6, '0');
  return `${DEFAULT_PREFIX}:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`;
}
