import { familyOfPrefix } from '../encap/plan.js';
import { hostAddress, prefixContains } from 'netlink-ts/inet';
import { mssFor } from '../encap/mtu.js';
import { GUARD_ARP, GUARD_INET, LONE_GUARD_ARP, LONE_GUARD_INET } from './guard-tables.js';
import { elementKey, quote } from '../reconcile/nft-objects.js';
import type { GuardTableName } from './guard-tables.js';
import type { Port, Tenant } from '../intent/types.js';
import type { Emit } from '../plan/plan.js';

/**
 * The tables, without a port in them: in place before any interface.
 *
 * @param domain prefixes of the SR domain, none inside another
 */
export function planGuardTables(domain: readonly string[], emit: Emit): void {
  emit('guard', 'inet segue', { table: 'inet segue', text: GUARD_INET });
  emit('guard', 'arp segue', { table: 'arp segue', text: GUARD_ARP });
  for (const prefix of domain) emitElement(emit, 'inet segue', 'block', hostAddress(prefix) ?? prefix);
}

/** The tables where the fast path forwards alone. */
export function planLoneGuardTables(emit: Emit): void {
  emit('guard', 'inet segue', { table: 'inet segue', text: LONE_GUARD_INET });
  emit('guard', 'arp segue', { table: 'arp segue', text: LONE_GUARD_ARP });
}

/** Between a port and the host nothing passes. */
export function planLonePortGuard(port: Port, emit: Emit): void {
  emitElement(emit, 'inet segue', 'ports', quote(port.interface));
  emitElement(emit, 'arp segue', 'ports', quote(port.interface));
}

export function planVrfGuard(device: string, tenant: Tenant, emit: Emit): void {
  emitElement(emit, 'inet segue', 'vrfs', quote(device));
  const gateways = new Set(tenant.subnets.map(({ gateway }) => gateway));
  for (const gateway of gateways) {
    emitElement(emit, 'inet segue', `gateways${familyOfPrefix(gateway)}`, `${quote(device)} . ${gateway}`);
  }
}

/** What is for a VM does not come from the VM. */
export function planReceiverGuard(device: string, { addresses }: Port, emit: Emit): void {
  for (const address of addresses) {
    const set = `to_themselves${familyOfPrefix(address)}`;
    emitElement(emit, 'inet segue', set, `${quote(device)} . ${address} . ${address}`);
  }
}

/** What a port may send: the elements that let its own packets through. */
export function planPortGuard(port: Port, mtu: number, emit: Emit): void {
  const name = quote(port.interface);
  emitElement(emit, 'inet segue', 'ports', name);
  emitElement(emit, 'arp segue', 'ports', name);
  emitElement(emit, 'inet segue', 'macs', `${name} . ${port.mac}`);
  for (const family of [4, 6] as const) {
    emitElement(emit, 'inet segue', `mss${family}`, `${name} : ${mssFor(family, mtu)}`);
  }
  // The probes of address conflict detection (RFC 5227) have no sender yet.
  emitElement(emit, 'arp segue', 'senders', `${name} . ${port.mac} . 0.0.0.0`);
  for (const address of port.addresses) {
    const family = familyOfPrefix(address);
    emitElement(emit, 'inet segue', `sources${family}`, `${name} . ${address}`);
    if (family === 4) emitElement(emit, 'arp segue', 'senders', `${name} . ${port.mac} . ${address}`);
  }
  for (const prefix of port.prefixes) {
    // Sets of intervals take no element inside another.
    if (port.prefixes.some((other) => other !== prefix && prefixContains(other, prefix))) continue;
    // nft prints a prefix of one address without its length.
    emitElement(emit, 'inet segue', `prefixes${familyOfPrefix(prefix)}`, `${name} . ${hostAddress(prefix) ?? prefix}`);
  }
}

function emitElement(emit: Emit, table: GuardTableName, set: string, element: string): void {
  const value = { table, set, element };
  emit('guard', elementKey(value), value);
}
