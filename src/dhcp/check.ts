/** Checks the feature's part of subnets and ports. */
import { readAnyPrefix } from '../intent/fields.js';
import { Refusal } from '../intent/findings.js';
import { formatAddress, parseAddress, parseMac, prefixContains } from 'netlink-ts/inet';
import {
  DEFAULT_LEASE_SECONDS,
  MAX_OPTION4_BYTES,
  MAX_OPTIONS4_BYTES,
  MAX_ROUTES,
  MAX_SEARCH_NAMES,
  MAX_SERVERS,
  SLAAC_PREFIX_BITS,
} from './bounds.js';
import { domainName } from './bytes.js';
import { options4 } from './dhcpv4.js';
import { readBootFile, readDomain, readHostname, readServer } from './fields.js';
import { classlessRoutes, lease4Of, subnetOf } from './lease.js';
import type { Context, KeyFacts } from '../intent/check/context.js';
import type { Findings, IssuePath, PathSegment } from '../intent/findings.js';
import type { CheckedLists, KeyPlace } from '../intent/part.js';
import type { Draft } from '../intent/structure.js';
import type { Port, Subnet } from '../intent/types.js';
import type { DhcpRoute, PortBoot, SubnetDhcp, SubnetRa } from './types.js';

/** `dhcp` in the file. */
type GivenDhcp = Omit<SubnetDhcp, 'lease'> & { lease?: number };

/** The longest host name, for which messages always have space. */
const LONGEST_HOSTNAME = 'h'.repeat(63);
const ANY_MTU = 1500;

/** Reports values inside one key of the file. */
class Place {
  readonly #place: KeyPlace;

  constructor(place: KeyPlace) {
    this.#place = place;
  }

  refuse(value: unknown, expected: string, ...path: PathSegment[]): void {
    this.#place.refuse(value, expected, ...path);
  }

  /** The canonical text of a field; undefined if it is absent or refused. */
  text(
    given: string | undefined,
    read: (text: string) => string | Refusal,
    ...path: PathSegment[]
  ): string | undefined {
    if (given === undefined) return undefined;
    const value = read(given);
    if (!(value instanceof Refusal)) return value;
    this.refuse(given, value.expected, ...path);
    return undefined;
  }

  /** The texts of a list without duplicates. */
  list(
    given: readonly (string | undefined)[] | undefined,
    read: (text: string) => string | Refusal,
    key: string,
    most: number,
  ): string[] | undefined {
    if (given === undefined) return undefined;
    if (given.length > most) this.refuse(given, `a list of at most ${most}`, key);
    const values: string[] = [];
    given.forEach((text, i) => {
      const value = this.text(text, read, key, i);
      if (value !== undefined && values.includes(value)) this.refuse(text, 'each given once', key, i);
      else if (value !== undefined) values.push(value);
    });
    return values;
  }
}

/** Facts of a subnet when its keys are read; refused parts are absent. */
type SubnetFacts = KeyFacts['subnet'];

interface SubnetParts {
  prefix: string;
  gateway: string;
}

/** Keys of `dhcp` that do not apply to IPv6, where router advertisements contain routers and prefixes. */
const IPV4_KEYS = ['routes', 'netmask'] as const;

/** Reads `ra` of a subnet. */
export function readRa(draft: Draft<SubnetRa>, { prefix }: SubnetFacts, place: KeyPlace): SubnetRa | undefined {
  if (prefix.family === 4)
    place.refuse(draft, `router advertisements only in an IPv6 subnet; ${prefix.text} is an IPv4 subnet`);
  return draft.mode === undefined ? undefined : { mode: draft.mode };
}

/** Reads `dhcp` of a subnet. */
export function readDhcp(draft: Draft<GivenDhcp>, facts: SubnetFacts, keyPlace: KeyPlace): SubnetDhcp {
  const place = new Place(keyPlace);
  const { family, text } = facts.prefix;
  const server = (given: string): string | Refusal => readServer(given, family);
  const dns = place.list(draft.dns, server, 'dns', MAX_SERVERS);
  const domain = place.text(draft.domain, readDomain, 'domain');
  const search = place.list(draft.search, readDomain, 'search', MAX_SEARCH_NAMES);
  const ntp = place.list(draft.ntp, server, 'ntp', MAX_SERVERS);
  if (family === 6) {
    for (const key of IPV4_KEYS) {
      if (draft[key] !== undefined)
        place.refuse(draft[key], `${key} only in an IPv4 subnet; ${text} is an IPv6 subnet`, key);
    }
  }
  const routes = family === 4 && draft.routes ? checkRoutes(place, draft.routes, text) : undefined;
  const dhcp: SubnetDhcp = {
    ...(dns && { dns }),
    ...(domain !== undefined && { domain }),
    ...(search && { search }),
    ...(ntp && { ntp }),
    lease: draft.lease ?? DEFAULT_LEASE_SECONDS,
    ...(routes && { routes }),
    ...(draft.netmask !== undefined && family === 4 && { netmask: draft.netmask }),
  };
  if (facts.gateway !== undefined) checkRoom(place, dhcp, { prefix: text, gateway: facts.gateway.text }, family);
  return dhcp;
}

function checkRoutes(place: Place, drafts: readonly (Draft<DhcpRoute> | undefined)[], subnet: string): DhcpRoute[] {
  if (drafts.length > MAX_ROUTES) place.refuse(drafts, `a list of at most ${MAX_ROUTES}`, 'routes');
  return drafts.flatMap((draft, i) => {
    const readTo = (text: string): string | Refusal => {
      const prefix = readAnyPrefix(text);
      if (prefix instanceof Refusal) return prefix;
      return prefix.family === 4 ? prefix.text : new Refusal('an IPv4 prefix');
    };
    const readVia = (text: string): string | Refusal => {
      const parsed = parseAddress(text);
      const inside = parsed?.family === 4 && prefixContains(subnet, parsed.bytes);
      return inside ? formatAddress(parsed.bytes) : new Refusal(`an address of the subnet ${subnet}`);
    };
    const to = place.text(draft?.to, readTo, 'routes', i, 'to');
    const via = place.text(draft?.via, readVia, 'routes', i, 'via');
    return to === undefined || via === undefined ? [] : [{ to, via }];
  });
}

/** Refuses options that do not fit into a message, rather than omitting some of them later. */
function checkRoom(place: Place, dhcp: SubnetDhcp, { prefix, gateway }: SubnetParts, family: 4 | 6): void {
  const search = Buffer.concat((dhcp.search ?? []).map(domainName)).length;
  if (search > MAX_OPTION4_BYTES) {
    place.refuse(dhcp.search, `names of at most ${MAX_OPTION4_BYTES} bytes together; these take ${search}`, 'search');
    return;
  }
  if (family === 6) return;
  const port = { mac: '02:00:00:00:00:01', addresses: [gateway], prefixes: [], hostname: LONGEST_HOSTNAME };
  const lease = lease4Of({ id: 1, subnets: [{ prefix, gateway, dhcp }] }, port, ANY_MTU);
  // A route takes at most nine bytes: one for the length, four for the prefix, four for the router.
  const routes = classlessRoutes(gateway, dhcp).length * 9;
  const bytes = lease === undefined || routes > MAX_OPTION4_BYTES ? routes : options4(lease).length;
  if (bytes <= MAX_OPTIONS4_BYTES && routes <= MAX_OPTION4_BYTES) return;
  place.refuse(
    dhcp,
    `options that fit a DHCPv4 message: at most ${MAX_OPTIONS4_BYTES} bytes, routes at most ${MAX_OPTION4_BYTES}; with a host name of 63 bytes these take ${bytes}`,
  );
}

/** Reads `hostname` of a port. */
export function readPortHostname(draft: string, place: KeyPlace): string | undefined {
  return new Place(place).text(draft, readHostname);
}

/** Reads `boot` of a port, which requires a lease. */
export function readBoot(
  draft: Draft<PortBoot>,
  { tenant, addresses }: KeyFacts['port'],
  keyPlace: KeyPlace,
): PortBoot {
  const place = new Place(keyPlace);
  const boot = checkBoot(place, draft);
  const isComplete = tenant?.complete === true && addresses.length > 0;
  if (isComplete && addresses.every((address) => address.includes(':'))) {
    place.refuse(draft, 'an IPv4 address among those of the port: its lease says what to boot from');
  }
  return boot;
}

function checkBoot(place: Place, draft: Draft<PortBoot>): PortBoot {
  const boot: PortBoot = {};
  const server = place.text(draft.server, (text) => readServer(text, 4), 'server');
  if (server !== undefined) boot.server = server;
  for (const key of ['bios', 'uefi', 'ipxe', 'http'] as const) {
    const file = place.text(draft[key], readBootFile, key);
    if (file !== undefined) boot[key] = file;
  }
  const isUrl = (text: string): boolean => /^https?:\/\//.test(text);
  if (boot.http !== undefined && !isUrl(boot.http)) place.refuse(boot.http, 'a URL: http://… or https://…', 'http');
  if (draft.bios === undefined && draft.uefi === undefined && draft.ipxe === undefined && draft.http === undefined) {
    place.refuse(draft, 'at least one of bios, uefi, ipxe and http');
  }
  for (const key of ['bios', 'uefi'] as const) {
    if (boot[key] !== undefined && draft.server === undefined) {
      place.refuse(undefined, `the TFTP server that ${key} is fetched from`, 'server');
      break;
    }
  }
  return boot;
}

/** The address that a host derives from a /64 and its MAC address (RFC 4291 appendix A). */
export function eui64Address(prefix: string, mac: string): string | undefined {
  const network = parseAddress(prefix.split('/')[0] ?? '');
  const bytes = parseMac(mac);
  if (network?.family !== 6 || bytes === undefined) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  return formatAddress(
    Uint8Array.from([...network.bytes.subarray(0, SLAAC_PREFIX_BITS / 8), a ^ 2, b, c, 0xff, 0xfe, d, e, f]),
  );
}

/**
 * In a subnet where VMs configure their own addresses, a port has either its own /64 (RFC 8273), or in a shared /64 only the address derived from
 * its MAC address.
 */
export function checkSlaac({ tenants, ports }: CheckedLists, { findings }: Context): void {
  const slaac = new Map(
    tenants.flatMap(({ name, subnets }) => {
      const own = subnets.filter(({ ra }) => ra?.mode === 'slaac');
      return own.length === 0 ? [] : [[name, own] as const];
    }),
  );
  // Indices of the lists equal those of the file only if nothing was refused.
  if (slaac.size === 0 || findings.list.length > 0) return;
  ports.forEach((port, index) => {
    const subnets = slaac.get(port.tenant);
    if (subnets !== undefined) checkSlaacPort(findings, ['ports', index], port, subnets);
  });
}

function checkSlaacPort(findings: Findings, at: IssuePath, port: Port, subnets: readonly Subnet[]): void {
  if (port.prefixes.some((prefix) => prefix.includes(':') && prefix.endsWith(`/${SLAAC_PREFIX_BITS}`))) return;
  port.addresses.forEach((address, i) => {
    const prefix = subnetOf(subnets, address)?.prefix;
    if (prefix === undefined) return;
    const expected = prefix.endsWith(`/${SLAAC_PREFIX_BITS}`) ? eui64Address(prefix, port.mac) : undefined;
    if (expected === undefined) {
      findings.add(
        [...at, 'prefixes'],
        port.prefixes,
        `a /64 of the port's own: with ra: slaac a VM forms its addresses in a /64, and ${prefix} is not one`,
      );
    } else if (!port.addresses.includes(expected)) {
      findings.add(
        [...at, 'addresses', i],
        address,
        `${expected} among the addresses: the VM derives it from its MAC address in ${prefix} (ra: slaac)`,
      );
    }
  });
}
