/** Structure of the feature's part of the intent. A message is the end of the sentence "expected …". */
import { z } from 'zod';
import { MAX_LEASE_SECONDS, MIN_LEASE_SECONDS } from './bounds.js';

const text = (expected: string) => z.string({ error: expected });
const some = <T extends z.ZodType>(item: T, expected: string) =>
  z.array(item, { error: expected }).min(1, { error: expected });

const SECONDS = { error: `seconds, a whole number from ${MIN_LEASE_SECONDS} to ${MAX_LEASE_SECONDS}` };
const DOMAIN = 'a domain name (text)';
const ADDRESSES = 'a list of one or more addresses';

const routeSchema = z.strictObject(
  { to: text('a prefix, address/length'), via: text('an address of the subnet') },
  { error: 'a route: a map with to and via' },
);

export const subnetDhcpSchema = z.strictObject(
  {
    dns: some(text('the address of a resolver'), ADDRESSES).optional(),
    domain: text(DOMAIN).optional(),
    search: some(text(DOMAIN), 'a list of one or more domain names').optional(),
    ntp: some(text('the address of a time server'), ADDRESSES).optional(),
    lease: z.int(SECONDS).min(MIN_LEASE_SECONDS, SECONDS).max(MAX_LEASE_SECONDS, SECONDS).optional(),
    routes: some(routeSchema, 'a list of one or more routes').optional(),
    netmask: z.enum(['subnet', 'host'], { error: 'subnet or host' }).optional(),
  },
  { error: 'settings for VMs, a map; {} for addresses only' },
);

export const subnetRaSchema = z.strictObject(
  { mode: z.enum(['dhcpv6', 'slaac', 'none'], { error: 'dhcpv6, slaac or none' }) },
  { error: 'a map with mode: dhcpv6, slaac or none' },
);

export const portHostnameSchema = text('a host name (text)');

const FILE = 'the name of a file (text)';

export const portBootSchema = z.strictObject(
  {
    server: text('the IPv4 address of a TFTP server').optional(),
    bios: text(FILE).optional(),
    uefi: text(FILE).optional(),
    ipxe: text('a file or URL for iPXE (text)').optional(),
    http: text('a URL for HTTP boot (text)').optional(),
  },
  { error: 'what the VM boots from, a map with bios, uefi, ipxe or http' },
);
