/** Names in options: tenants, ports, addresses, with the same meaning in every command. */
import { CommandError, EXIT } from './exit.js';
import { Port, Sid } from '../ebpf/generated/layouts.js';
import { canonicalAddress, hostPrefix, parsePrefix, type Prefix } from 'netlink-ts/inet';
import { TABLE_BASE } from '../plan/numbers.js';
import type { FastpathMaps } from '../ebpf/maps.js';
import type { ShowContext } from '../observe/inspect/context.js';

/** Number of a tenant. @throws CommandError (bad input) */
export function tenantNumber({ names, intent }: ShowContext, name: string): number {
  const planned = intent?.tenants.find((tenant) => tenant.name === name)?.id;
  const table = names.vrfs.find(({ tenant }) => tenant === name)?.table;
  const id = planned ?? (table === undefined ? undefined : table - TABLE_BASE);
  if (id !== undefined) return id;
  const known = [
    ...new Set([...names.vrfs.map(({ tenant }) => tenant), ...(intent?.tenants ?? []).map((t) => t.name)]),
  ];
  throw new CommandError(
    `--tenant ${name}: expected one of ${known.sort().join(' ') || 'none: there is no tenant'}`,
    EXIT.badInput,
  );
}

/** @throws CommandError (bad input) */
export function refuseUnknownTenant(tenant: string | undefined, { names, intent, kernel }: ShowContext): void {
  if (tenant === undefined) return;
  const maps = kernel.fastpath.maps;
  const known = new Set([
    ...names.vrfs.map((vrf) => vrf.tenant),
    ...(intent?.tenants ?? []).map(({ name }) => name),
    // In ebpf mode without the intent: `tenant 100`.
    ...(intent === undefined && maps !== undefined ? [...maps.sg_sids.entries()] : []).map(([, value]) =>
      names.tenantOfId(value.readUInt32LE(Sid.OFFSETS.tenant)),
    ),
  ]);
  if (known.has(tenant)) return;
  const expected = known.size === 0 ? 'none: there is no tenant' : [...known].sort().join(' ');
  throw new CommandError(`--tenant ${tenant}: expected one of ${expected}`, EXIT.badInput);
}

/** Interface of a port, by its name in the intent or its interface's name. @throws CommandError (bad input) */
export function portInterface({ config, kernel, names, intent, nodeOfPort }: ShowContext, name: string): string {
  const local = intent?.ports.filter(({ node }) => node === config.node) ?? [];
  const device = (local.find((port) => port.name === name) ?? local.find((port) => port.interface === name))?.interface;
  if (device !== undefined) return device;
  const link = kernel.links.get(name);
  if (names.vrfOfIndex(link?.master) !== undefined) return name;
  // In ebpf mode the fast path's maps contain the ports.
  if (link !== undefined && portTenant(kernel.fastpath.maps, link.index) !== undefined) return name;
  const elsewhere = nodeOfPort(name);
  throw new CommandError(
    elsewhere === undefined
      ? `--port ${name}: expected a port of ${config.node}, or its interface`
      : `--port ${name}: it is on ${elsewhere}; expected a port of ${config.node}`,
    EXIT.badInput,
  );
}

/** Tenant id of an interface that is a port in the fast path's maps. */
function portTenant(maps: FastpathMaps | undefined, ifindex: number): number | undefined {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(ifindex);
  return maps?.sg_ports.lookup(key)?.readUInt32LE(Port.OFFSETS.tenant);
}

/** Reads an address or a prefix. @throws CommandError (bad input) */
export function readPrefix(option: string, text: string): Prefix {
  const address = canonicalAddress(text);
  const result = parsePrefix(address === undefined ? text : hostPrefix(address));
  if (result.ok) return result.prefix;
  const expected = text.includes('/') ? result.expected : 'an IPv4 or IPv6 address or prefix';
  throw new CommandError(`${option} ${text}: expected ${expected}`, EXIT.badInput);
}
