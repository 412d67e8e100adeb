import { familyOfPrefix } from '../encap/plan.js';
import { hostAddress, prefixContains } from 'netlink-ts/inet';
import { mssFor } from '../encap/mtu.js';
import { GUARD_ARP, GUARD_INET, LONE_GUARD_ARP, LONE_GUARD_INET } from './guard-tables.js';
import { elementKey, quote } from '../reconcile/nft-objects.js';
import type { GuardTableName } from './guard-tables.js';
import type { Port, Tenant } from '../intent/types.js';
import type { Emit } from '../plan/plan.js';

/**
 * Plans the tables without any ports, which must exist before the first interface.
 *
 * @param domain prefixes of the SR domain, none inside another
 */
export function planGuardTables(domain: readonly string[], emit: Emit): void {
  emit('guard', 'inet segue', { table: 'inet segue', text: GUARD_INET });
  emit('guard', 'arp segue', { table: 'arp segue', text: GUARD_ARP });
  for (const prefix of domain) emitElement(emit, 'inet segue', 'block', hostAddress(prefix) ?? prefix);
}

/** Plans the tables for a fast path that forwards alone. */
export function planEbpfOnlyGuardTables(emit: Emit): void {
  emit('guard', 'inet segue', { table: 'inet segue', text: LONE_GUARD_INET });
  emit('guard', 'arp segue', { table: 'arp segue', text: LONE_GUARD_ARP });
}

/** Drops all packets between a port and the host. */
export function planEbpfOnlyPortGuard(port: Port, emit: Emit): void {
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

/** Drops packets to a VM that have the VM's own address as their source. */
export function planReceiverGuard(device: string, { addresses }: Port, emit: Emit): void {
  for (const address of addresses) {
    const set = `to_themselves${familyOfPrefix(address)}`;
    emitElement(emit, 'inet segue', set, `${quote(device)} . ${address} . ${address}`);
  }
}

/** Plans the elements that allow a port to send: its own addresses. */
export function planPortGuard(port: Port, mtu: number, emit: Emit): void {
  const name = quote(port.interface);
  emitElement(emit, 'inet segue', 'ports', name);
  emitElement(emit, 'arp segue', 'ports', name);
  emitElement(emit, 'inet segue', 'macs', `${name} . ${port.mac}`);
  for (const family of [4, 6] as const) {
    emitElement(emit, 'inet segue', `mss${family}`, `${name} : ${mssFor(family, mtu)}`);
  }
  // Probes of address conflict detection have the sender 0.0.0.0 (RFC 5227).
  emitElement(emit, 'arp segue', 'senders', `${name} . ${port.mac} . 0.0.0.0`);
  for (const address of port.addresses) {
    const family = familyOfPrefix(address);
    emitElement(emit, 'inet segue', `sources${family}`, `${name} . ${address}`);
    if (family === 4) emitElement(emit, 'arp segue', 'senders', `${name} . ${port.mac} . ${address}`);
  }
  for (const prefix of port.prefixes) {
    // Interval sets reject an element inside another.
    if (port.prefixes.some((other) => other !== prefix && prefixContains(other, prefix))) continue;
    // nft prints a host prefix without its length.
    emitElement(emit, 'inet segue', `prefixes${familyOfPrefix(prefix)}`, `${name} . ${hostAddress(prefix) ?? prefix}`);
  }
}

function emitElement(emit: Emit, table: GuardTableName, set: string, element: string): void {
  const value = { table, set, element };
  emit('guard', elementKey(value), value);
}
