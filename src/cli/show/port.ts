import { type Column, column } from '../table.js';
import { PORT_FIELDS } from '../../app/features.js';
import { gatewayMacAt, heldPorts, vmsBehind } from '../../observe/inspect/ports.js';
import { linkState } from '../../kernel/links.js';
import { gatewayMacOf } from '../../intent/gateway-mac.js';
import { prefixContains } from 'netlink-ts/inet';
import { deviceAskedFor, prefixAskedFor, tableOf } from './view.js';
import { vrfName } from '../../plan/numbers.js';
import type { Port } from '../../intent/types.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { PortField, PortShown } from '../../reconcile/observation.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/**
 * `waiting`: in the intent, but the interface does not exist yet; `detached`: the interface is not in its VRF (or has no program, if the fast path
 * forwards alone), so the guard drops its packets; `no-carrier`: up, but the peer is not.
 */
export type PortState = 'up' | 'down' | 'no-carrier' | 'waiting' | 'detached';

/** One element of `segue show port -j`. */
export interface PortRecord extends PortShown {
  /** Name from the intent; null without it. */
  name: string | null;
  interface: string;
  tenant: string;
  /** null if the fast path forwards alone. */
  vrf: string | null;
  state: PortState;
  /** MAC address of the VM, from its permanent neighbour entries. */
  mac: string | null;
  addresses: string[];
  /** MAC address of the tenant's gateway for the VM; null if unknown. */
  gatewayMac: string | null;
  /** In bytes; null while the interface does not exist. */
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

/** A feature's column appears if any port has a value; addresses come last, since there may be many. */
function columnsFor(records: readonly PortRecord[]): Column<PortRecord>[] {
  const added = fieldsOfFeatures()
    .filter(([field]) => records.some((record) => record[field] !== null))
    .map(([field, shown]) =>
      column<PortRecord>(shown.title, ({ [field]: value }) => {
        if (value === null) return undefined;
        return shown.text === undefined ? value : shown.text(value);
      }),
    );
  return [...PORT_COLUMNS.slice(0, -1), ...added, ...PORT_COLUMNS.slice(-1)];
}

type AnyField = PortField<string | number | null>;

function fieldsOfFeatures(): [keyof PortShown, AnyField][] {
  return Object.entries(PORT_FIELDS) as [keyof PortShown, AnyField][];
}

function shownByFeatures(kernel: Kernel, device: string, port: Port | undefined): PortShown {
  return Object.fromEntries(
    fieldsOfFeatures().map(([field, shown]) => [field, shown.value(kernel, device, port)]),
  ) as unknown as PortShown;
}

export function portRecords({ kernel, names, intent, config, unreadable }: ShowContext): PortRecord[] {
  const vmBehind = vmsBehind(kernel);
  const own = new Map<string, Port>();
  for (const port of intent?.ports ?? []) if (port.node === config.node) own.set(port.interface, port);
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
      ...shownByFeatures(kernel, link.name, own.get(link.name)),
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
      // If pinned objects cannot be read, it is unknown whether there is a program.
      state: link === undefined ? 'waiting' : unreadable === undefined ? 'detached' : linkState(link),
      mac: port.mac,
      addresses: [...port.addresses].sort(byFamily),
      gatewayMac: tenant === undefined ? null : gatewayMacOf(tenant),
      mtu: link?.mtu ?? null,
      ...shownByFeatures(kernel, port.interface, port),
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
  return tableOf(records, columnsFor(records));
}

/** IPv4 before IPv6, each sorted as text. */
function byFamily(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':')) || a.localeCompare(b, 'en', { numeric: true });
}
