import { column, renderTable } from '../table.js';
import { heldPorts } from '../../observe/inspect/ports.js';
import { heldLease } from '../../dhcp/held.js';
import { reasonCounts } from '../../ebpf/counters.js';
import { REASON_COLUMNS } from './counters.js';
import { deviceAskedFor } from './view.js';
import type { HeldLease } from '../../dhcp/held.js';
import type { ReasonCount } from '../../ebpf/counters.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** The replies to a port's VM. */
interface LeaseRecord extends HeldLease {
  /** Name from the intent; null without it. */
  name: string | null;
  interface: string;
  tenant: string;
}

/** `segue show lease -j` */
export interface Leases {
  ports: LeaseRecord[];
  /** Requests of all ports of the node, by outcome; null if no program replies. */
  requests: ReasonCount[] | null;
}

function addressing({ ipv6, ra }: LeaseRecord): string | undefined {
  if (ra === null) return ipv6 === null ? undefined : 'dhcpv6, no RA';
  return ra.managed ? 'dhcpv6' : 'slaac';
}

const LEASE_COLUMNS = [
  column<LeaseRecord>('PORT', ({ name }) => name ?? undefined),
  column<LeaseRecord>('DEV', (port) => port.interface),
  column<LeaseRecord>('TENANT', ({ tenant }) => tenant),
  column<LeaseRecord>('IPV4', ({ ipv4 }) => (ipv4 === null ? undefined : `${ipv4.address}/${ipv4.prefixLength}`)),
  column<LeaseRecord>('ROUTER', ({ ipv4 }) => ipv4?.server),
  column<LeaseRecord>('LEASE', ({ ipv4 }) => (ipv4 === null ? undefined : `${ipv4.lease}s`)),
  column<LeaseRecord>('IPV6-BY', addressing),
  column<LeaseRecord>('IPV6', ({ ipv6, ra }) =>
    [...(ipv6?.addresses ?? []), ...(ra?.autonomous ?? []), ...(ipv6?.prefixes ?? [])].join(' '),
  ),
  column<LeaseRecord>('MTU', ({ ipv4, ra }) => ipv4?.mtu ?? ra?.mtu),
  column<LeaseRecord>('HOSTNAME', ({ ipv4 }) => ipv4?.hostname ?? undefined),
  column<LeaseRecord>('DNS', ({ ipv4, ipv6 }) => [...(ipv4?.dns ?? []), ...(ipv6?.dns ?? [])].join(' ')),
  column<LeaseRecord>('BOOT', ({ ipv4 }) => Object.keys(ipv4?.boot ?? {}).join(' ')),
];

export function leasesOf(context: ShowContext, options: ShowOptions = {}): Leases {
  const { kernel, names, config } = context;
  const { tenant: only } = options;
  const asked = deviceAskedFor(context, options);
  const ports = heldPorts(kernel, names)
    .filter(({ tenant, link }) => (only ?? tenant) === tenant && (asked ?? link.name) === link.name)
    .map(({ link: { name: device }, tenant }) => ({
      ...{ name: names.portOfInterface(device) ?? null, interface: device, tenant, ...heldLease(kernel, device) },
    }));
  const { maps } = kernel.fastpath;
  const counts = maps === undefined ? undefined : reasonCounts(maps, config.dataplane === 'ebpf');
  return { ports, requests: counts?.filter(({ slug }) => /-(dhcp|router)/.test(slug)) ?? null };
}

export function showLease(context: ShowContext, options: ShowOptions): Shown {
  const found = leasesOf(context, options);
  return { json: found, lines: leaseLines(found) };
}

function leaseLines({ ports, requests }: Leases): string[] {
  const tables = [
    renderTable(LEASE_COLUMNS, ports),
    renderTable(REASON_COLUMNS, requests?.filter(({ packets }) => packets > 0) ?? []),
  ].filter((lines) => lines.length > 0);
  return tables.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}
