import { column } from '../table.js';
import { gatewayMacAt, heldPorts, vmsBehind } from '../../observe/inspect/ports.js';
import { linkState } from '../../observe/inspect/format.js';
import { gatewayMacOf } from '../../intent/gateway-mac.js';
import { prefixContains } from 'netlink-ts/inet';
import { deviceAskedFor, prefixAskedFor, tableOf } from './view.js';
import { vrfName } from '../../plan/numbers.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/**
 * `waiting`: the intent has it and the interface does not exist yet; `detached`: it exists and is not in the VRF (or has
 * no program, where the fast path forwards alone), so the guard drops what comes from it; `no-carrier`: up, and nobody at the other end.
 */
export type PortState = 'up' | 'down' | 'no-carrier' | 'waiting' | 'detached';

/** One element of `segue show port -j`. */
export interface PortRecord {
  /** From the intent; null without it. */
  name: string | null;
  interface: string;
  tenant: string;
  /** null where the fast path forwards alone. */
  vrf: string | null;
  state: PortState;
  /** Of the VM, as its addresses are pinned. */
  mac: string | null;
  addresses: string[];
  /** Of the tenant's gateway, as the VM is told; null where nothing says it. */
  gatewayMac: string | null;
  /** Bytes; null while the interface does not exist. */
  mtu: number | null;
}

export const PORT_COLUMNS = [
  column<PortRecord>('PORT', ({ name }) => name ?? undefined),
  column<PortRecord>('DEV', (port) => port.interface),
  column<PortRecord>('TENANT', ({ tenant }) => tenant),
  column<PortRecord>('VRF', ({ vrf }) => vrf ?? undefined),
  column<PortRecord>('STATE', ({ state }) => state.toUpperCase()),
  column<PortRecord>('MTU', ({ mtu }) => mtu ?? undefined),
  column<PortRecord>('LLADDR', ({ mac }) => mac ?? undefined),
  column<PortRecord>('GATEWAY', ({ gatewayMac }) => gatewayMac ?? undefined),
  column<PortRecord>('ADDRESSES', ({ addresses }) => addresses.join(' ')),
];

export function portRecords({ kernel, names, intent, config, unreadable }: ShowContext): PortRecord[] {
  const vmBehind = vmsBehind(kernel);
  const records = heldPorts(kernel, names).map(({ link, tenant, vrf }): PortRecord => {
    const { mac, addresses } = vmBehind(link.index);
    return {
      name: names.portOfInterface(link.name) ?? null,
      interface: link.name,
      tenant,
      vrf: vrf ?? null,
      state: linkState(link),
      mac: mac ?? null,
      addresses: addresses.sort(byFamily),
      gatewayMac: gatewayMacAt(kernel, { link, ...(vrf !== undefined && { vrf }) }) ?? null,
      mtu: link.mtu,
    };
  });
  const known = new Set(records.map((record) => record.interface));
  const tenants = new Map(intent?.tenants.map((tenant) => [tenant.name, tenant]));
  for (const port of intent?.ports ?? []) {
    if (port.node !== config.node || known.has(port.interface)) continue;
    const link = kernel.links.get(port.interface);
    const tenant = tenants.get(port.tenant);
    records.push({
      name: port.name,
      interface: port.interface,
      tenant: port.tenant,
      vrf: config.dataplane === 'ebpf' ? null : vrfName(tenant?.id ?? 0),
      // Whether a program is there is not known where what is pinned cannot be read.
      state: link === undefined ? 'waiting' : unreadable === undefined ? 'detached' : linkState(link),
      mac: port.mac,
      addresses: [...port.addresses].sort(byFamily),
      gatewayMac: tenant === undefined ? null : gatewayMacOf(tenant),
      mtu: link?.mtu ?? null,
    });
  }
  return records;
}

export function showPort(context: ShowContext, options: ShowOptions): Shown {
  const { tenant } = options;
  const device = deviceAskedFor(context, options);
  const address = prefixAskedFor(options);
  const records = portRecords(context).filter(
    (record) =>
      (tenant === undefined || record.tenant === tenant) &&
      (device === undefined || record.interface === device) &&
      (address === undefined || record.addresses.some((one) => prefixContains(address, one))),
  );
  return tableOf(records, PORT_COLUMNS);
}

/** IPv4 before IPv6, each in the order of their text. */
function byFamily(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':')) || a.localeCompare(b, 'en', { numeric: true });
}
