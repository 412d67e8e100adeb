/** The MAC address of a tenant's gateway, where the intent does not say one. */
import type { Tenant } from './types.js';

/** Locally administered, for one host; `sg` in ASCII. The tenant's id, 24 bits, follows. */
const DEFAULT_PREFIX = '02:73:67';

/** The same on every node: it follows from the tenant alone. */
export function gatewayMacOf({ id, gatewayMac }: Pick<Tenant, 'id' | 'gatewayMac'>): string {
  if (gatewayMac !== undefined) return gatewayMac;
  const digits = id.toString(16).padStart(6, '0');
  return `${DEFAULT_PREFIX}:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`;
}
