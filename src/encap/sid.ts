import { type AddressFamily, formatIPv6, prefixAddress, writeAddress } from 'netlink-ts/inet';
import type { Behaviours } from '../intent/types.js';

/** Function codes of the SID plan: locator (48 bits), behaviour (8), tenant (24), zero (48); RFC 8986 section 3.1. */
export const BEHAVIOUR_CODE = { 'End.DT4': 0x04, 'End.DT6': 0x06, 'End.DT46': 0x46 } as const;

export type TenantBehaviour = keyof typeof BEHAVIOUR_CODE;

/**
 * A tenant's SID in a locator, which every node can compute.
 *
 * @param locator canonical /48 prefix, `fd00:5e:1::/48`
 * @param tenantId 1..16777215
 * @returns canonical address, `fd00:5e:1:4600:64::`
 */
export function tenantSid(locator: string, behaviour: TenantBehaviour, tenantId: number): string {
  const bytes = new Uint8Array(16);
  writeAddress(prefixAddress(locator), bytes, 0);
  bytes[6] = BEHAVIOUR_CODE[behaviour];
  bytes[7] = tenantId >>> 16;
  bytes[8] = (tenantId >>> 8) & 0xff;
  bytes[9] = tenantId & 0xff;
  return formatIPv6(bytes);
}

/** Function code of a migration notice: the VM of a port is now active on another node (bpf/migrate/notice.h). */
const NOTICE_CODE = 0x4d;

/**
 * Destination of the notice that a tenant's VM is active on another node: the function, the tenant, and the VM's MAC address as the argument (RFC
 * 8986 section 3.1).
 *
 * @param locator canonical /48 prefix of the node that receives it
 */
export function noticeSid(locator: string, tenantId: number, mac: string): string {
  const bytes = new Uint8Array(16);
  writeAddress(prefixAddress(locator), bytes, 0);
  bytes[6] = NOTICE_CODE;
  bytes[7] = tenantId >>> 16;
  bytes[8] = (tenantId >>> 8) & 0xff;
  bytes[9] = tenantId & 0xff;
  for (const [at, byte] of mac.split(':').entries()) bytes[10 + at] = Number.parseInt(byte, 16);
  return formatIPv6(bytes);
}

/** The behaviours of a node for each tenant, from `behaviours` in its file. */
export function behavioursOf(behaviours: Behaviours): TenantBehaviour[] {
  return behaviours[0] === 'dt46' ? ['End.DT46'] : ['End.DT4', 'End.DT6'];
}

/** The behaviour for a family's packets on a node with these behaviours. */
export function behaviourFor(family: AddressFamily, behaviours: Behaviours): TenantBehaviour {
  if (behaviours[0] === 'dt46') return 'End.DT46';
  return family === 4 ? 'End.DT4' : 'End.DT6';
}
