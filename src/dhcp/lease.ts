/** Derives a port's leases and advertisements from its tenant's subnets. Pure. */
import { familyOf, formatPrefix, hostPrefix, parsePrefix, prefixContains } from 'netlink-ts/inet';
import { gatewayMacOf } from '../intent/gateway-mac.js';
import { DEFAULT_LEASE_SECONDS, SLAAC_PREFIX_BITS } from './bounds.js';
import type { DhcpRoute, PortBoot, RaMode, SubnetDhcp } from './types.js';
import type { BootTemplate, Lease4, Lease6, RouterAdvertisement } from './objects.js';
import type { Port, Subnet, Tenant } from '../intent/types.js';

const IPV4_BITS = 32;
const DEFAULT_ROUTE = '0.0.0.0/0';
const UNSPECIFIED = '0.0.0.0';

type TenantPart = Pick<Tenant, 'id' | 'gatewayMac' | 'subnets'>;
type PortPart = Pick<Port, 'mac' | 'addresses' | 'prefixes' | 'hostname'>;

/** How VMs of an IPv6 subnet get addresses: with only `dhcp`, by DHCPv6. */
export function raModeOf({ prefix, dhcp, ra }: Subnet): RaMode {
  if (familyOf(prefix) === 4) return 'none';
  return ra?.mode ?? (dhcp === undefined ? 'none' : 'dhcpv6');
}

export function subnetOf(subnets: readonly Subnet[], address: string): Subnet | undefined {
  const host = hostPrefix(address);
  return subnets.find(({ prefix }) => familyOf(prefix) === familyOf(address) && prefixContains(prefix, host));
}

/** Routes of option 121. Clients then ignore option 3, so it includes the default route. */
export function classlessRoutes(
  gateway: string,
  { routes = [], netmask }: Pick<SubnetDhcp, 'routes' | 'netmask'>,
): DhcpRoute[] {
  const isHost = netmask === 'host';
  if (routes.length === 0 && !isHost) return [];
  const hasDefault = routes.some(({ to }) => to === DEFAULT_ROUTE);
  const all = [...routes, ...(hasDefault ? [] : [{ to: DEFAULT_ROUTE, via: gateway }])];
  // With a /32 nothing is on-link, so the routers need on-link routes.
  const onLink = isHost ? [...new Set(all.map(({ via }) => via))] : [];
  return [...onLink.map((via) => ({ to: `${via}/${IPV4_BITS}`, via: UNSPECIFIED })), ...all];
}

function servers(dhcp: SubnetDhcp): Pick<Lease4, 'dns' | 'search' | 'ntp'> {
  const { dns, search, ntp } = dhcp;
  return { ...(dns && { dns }), ...(search && { search }), ...(ntp && { ntp }) };
}

/** IPv6 has no option for a host's own domain, so it is added to the search list. */
function searchOf({ search, domain }: SubnetDhcp): Pick<Lease6, 'search'> {
  if (search !== undefined) return { search };
  return domain === undefined ? {} : { search: [domain] };
}

function servers6(dhcp: SubnetDhcp): Pick<Lease6, 'dns' | 'search' | 'ntp'> {
  return { ...servers(dhcp), ...searchOf(dhcp) };
}

/**
 * The lease of the port's first IPv4 address in a subnet with `dhcp`; undefined if there is none.
 *
 * @param mtu in bytes
 */
export function lease4Of({ subnets }: TenantPart, port: PortPart, mtu: number): Lease4 | undefined {
  for (const address of port.addresses) {
    if (familyOf(address) !== 4) continue;
    const subnet = subnetOf(subnets, address);
    if (subnet?.dhcp === undefined) continue;
    const { prefix, gateway, dhcp } = subnet;
    return {
      mac: port.mac,
      address,
      prefixLength: dhcp.netmask === 'host' ? IPV4_BITS : Number(prefix.split('/')[1]),
      server: gateway,
      seconds: dhcp.lease,
      mtu,
      ...servers(dhcp),
      ...(dhcp.domain !== undefined && { domain: dhcp.domain }),
      ...(port.hostname !== undefined && { hostname: port.hostname }),
      routes: classlessRoutes(gateway, dhcp),
    };
  }
  return undefined;
}

/** Boot files of a port; undefined: none, or no lease. */
export function bootOf({ subnets }: TenantPart, boot: PortBoot | undefined, lease: Lease4): BootTemplate | undefined {
  const subnet = boot === undefined ? undefined : subnetOf(subnets, lease.address);
  return subnet && { ...boot, prefixLength: Number(subnet.prefix.split('/')[1]) };
}

/** Prefixes behind a port from which it derives addresses: /64 (RFC 8273). */
function ownSlaacPrefixes({ prefixes }: Pick<Port, 'prefixes'>): string[] {
  return prefixes.filter((prefix) => familyOf(prefix) === 6 && prefix.endsWith(`/${SLAAC_PREFIX_BITS}`));
}

/** The /64 of an address. */
function slaacPrefixOf(address: string): string {
  const parsed = parsePrefix(`${address}/128`);
  if (!parsed.ok) throw new RangeError(`${address}: expected an IPv6 address`);
  const { family, bytes } = parsed.prefix;
  return formatPrefix({
    family,
    bytes: bytes.map((byte, at) => (at < SLAAC_PREFIX_BITS / 8 ? byte : 0)),
    length: SLAAC_PREFIX_BITS,
  });
}

/** The IPv6 subnets in which a port has addresses, with these addresses. */
function subnets6({ subnets }: TenantPart, { addresses }: PortPart): { subnet: Subnet; addresses: string[] }[] {
  const found = new Map<Subnet, string[]>();
  for (const address of addresses) {
    if (familyOf(address) !== 6) continue;
    const subnet = subnetOf(subnets, address);
    if (subnet !== undefined) found.set(subnet, [...(found.get(subnet) ?? []), address]);
  }
  return [...found].map(([subnet, own]) => ({ subnet, addresses: own }));
}

/** A port's DHCPv6 lease; undefined if none of its subnets has DHCPv6. */
export function lease6Of(tenant: TenantPart, port: PortPart): Lease6 | undefined {
  const served = subnets6(tenant, port).filter(
    ({ subnet }) => subnet.dhcp !== undefined || raModeOf(subnet) !== 'none',
  );
  if (served.length === 0) return undefined;
  const stateless = served.some(({ subnet }) => raModeOf(subnet) === 'slaac');
  const isSlaac = stateless ? ownSlaacPrefixes(port) : [];
  const first = served.find(({ subnet }) => subnet.dhcp !== undefined)?.subnet.dhcp;
  return {
    serverMac: gatewayMacOf(tenant),
    addresses: served.flatMap(({ subnet, addresses }) => (raModeOf(subnet) === 'slaac' ? [] : addresses)),
    prefixes: port.prefixes.filter((prefix) => familyOf(prefix) === 6 && !isSlaac.includes(prefix)),
    seconds: first?.lease ?? DEFAULT_LEASE_SECONDS,
    ...(first && servers6(first)),
  };
}

/**
 * The router advertisement of a port; undefined if none of its subnets has any.
 *
 * @param mtu in bytes
 */
export function routerAdvertisementOf(
  tenant: TenantPart,
  port: PortPart,
  mtu: number,
): RouterAdvertisement | undefined {
  const served = subnets6(tenant, port).filter(({ subnet }) => raModeOf(subnet) !== 'none');
  if (served.length === 0) return undefined;
  const own = ownSlaacPrefixes(port);
  const prefixes = served.flatMap(({ subnet, addresses }) => {
    if (raModeOf(subnet) === 'dhcpv6') return [{ prefix: subnet.prefix, autonomous: false }];
    const autonomous = own.length > 0 ? own : [...new Set(addresses.map(slaacPrefixOf))];
    return autonomous.map((prefix) => ({ prefix, autonomous: true }));
  });
  const first = served.find(({ subnet }) => subnet.dhcp !== undefined)?.subnet.dhcp;
  return {
    gatewayMac: gatewayMacOf(tenant),
    mtu,
    managed: served.some(({ subnet }) => raModeOf(subnet) === 'dhcpv6'),
    other: first !== undefined || served.some(({ subnet }) => raModeOf(subnet) === 'dhcpv6'),
    prefixes: [...new Map(prefixes.map((each) => [each.prefix, each])).values()],
    ...(first?.dns && { dns: first.dns }),
    ...(first && searchOf(first)),
  };
}
