/** Parses single fields: names, interfaces, MAC addresses, addresses, prefixes. The result is canonical, or a refusal. */
import {
  type Address,
  canonicalMac,
  formatIPv6,
  formatPrefix,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixOverlaps,
  tryWriteAddress,
} from 'netlink-ts/inet';
import { MAX_INTERFACE_NAME_CHARS, MAX_NAME_CHARS } from './bounds.js';
import { Refusal } from './findings.js';

/** An address with its canonical text. */
export interface AddressField extends Address {
  text: string;
}

/** A prefix with its canonical text. */
export interface PrefixField extends Prefix {
  text: string;
}

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_NAME_CHARS - 1}}$`);
const badName = new Refusal(`1 to ${MAX_NAME_CHARS} letters, digits, ".", "_" or "-", the first a letter or a digit`);

/** Reads an entity's name, which is used in file names, link aliases and tables. */
export function readName(text: string): string | Refusal {
  return NAME.test(text) ? text : badName;
}

// The kernel allows more characters (dev_valid_name, net/core/dev.c), but the name is used in nftables sets and sysctl paths.
const INTERFACE = new RegExp(`^[A-Za-z0-9_][A-Za-z0-9._@+=-]{0,${MAX_INTERFACE_NAME_CHARS - 1}}$`);
const badInterface = new Refusal(
  `an interface name: 1 to ${MAX_INTERFACE_NAME_CHARS} letters, digits or "._-@+=", the first a letter, a digit or "_"`,
);
const reservedInterface = new Refusal('an interface name other than lo, all and default (sysctls use the last two)');
const ownInterface = new Refusal('an interface name other than sg-<number>, which segue uses for its VRFs');

/** Reads the name of a network device that may be a port or an uplink. */
export function readInterface(text: string): string | Refusal {
  if (!INTERFACE.test(text)) return badInterface;
  if (text === 'lo' || text === 'all' || text === 'default') return reservedInterface;
  return /^sg-\d+$/.test(text) ? ownInterface : text;
}

const badMac = new Refusal('a MAC address such as 02:00:00:00:00:0a');
const groupMac = new Refusal('the MAC address of one host: not a group address, not zero');

export function readMac(text: string): string | Refusal {
  const mac = canonicalMac(text);
  if (mac === undefined) return badMac;
  // The group bit is the lowest of the first byte.
  const isGroup = '13579bdf'.includes(mac.charAt(1));
  return isGroup || mac === '00:00:00:00:00:00' ? groupMac : mac;
}

function mustParsePrefix(text: string): PrefixField {
  const result = parsePrefix(text);
  if (!result.ok) throw new Error(`"${text}": expected ${result.expected}`);
  return { ...result.prefix, text };
}

/** Addresses that no host can have, or be reached by through a router: RFC 6890 and RFC 4291 section 2.4. */
const SPECIAL: readonly (PrefixField & { what: string })[] = (
  [
    ['0.0.0.0/8', 'unspecified'],
    ['127.0.0.0/8', 'loopback'],
    ['169.254.0.0/16', 'link-local'],
    ['224.0.0.0/4', 'multicast'],
    ['255.255.255.255/32', 'broadcast'],
    ['::/128', 'unspecified'],
    ['::1/128', 'loopback'],
    ['::ffff:0.0.0.0/96', 'IPv4-mapped'],
    ['fe80::/10', 'link-local'],
    ['ff00::/8', 'multicast'],
  ] as const
).map(([text, what]) => ({ ...mustParsePrefix(text), what }));

/** Whether an address can be in one of SPECIAL at all: a cheap test that excludes ordinary addresses. */
function maybeSpecial({ family, bytes }: Address): boolean {
  const first = bytes[0] ?? 0;
  return family === 4 ? first === 0 || first === 127 || first === 169 || first >= 224 : first === 0 || first >= 0xfe;
}

/** Refuses an address that no host can have. */
function refuseSpecialAddress(address: Address): Refusal | undefined {
  if (!maybeSpecial(address)) return undefined;
  const special = SPECIAL.find((range) => prefixContains(range, address.bytes));
  return special && new Refusal(`a unicast address, not ${special.what} (${special.text})`);
}

/** Refuses a prefix with addresses that no host can have. */
function refuseSpecialPrefix(prefix: Prefix): Refusal | undefined {
  const special = SPECIAL.find((range) => prefixOverlaps(range, prefix));
  return special && new Refusal(`a prefix of unicast addresses, without ${special.what} ones (${special.text})`);
}

const badAddress = new Refusal('an IPv4 or IPv6 address');
const addressWithLength = new Refusal('an IPv4 or IPv6 address without a length');
const addressWithZone = new Refusal('an IPv4 or IPv6 address without a zone');

/** Reads an address that a host can have. */
export function readAddress(text: string): AddressField | Refusal {
  const bytes = new Uint8Array(text.includes(':') ? 16 : 4);
  const family = tryWriteAddress(text, text.length, bytes, 0);
  if (family === 0) return text.includes('/') ? addressWithLength : text.includes('%') ? addressWithZone : badAddress;
  const address: AddressField = { family, bytes, text };
  if (family === 6) {
    // IPv4 addresses have only one text. Equal texts remain one string in memory.
    const canonical = formatIPv6(bytes);
    if (canonical !== text) address.text = canonical;
  }
  return refuseSpecialAddress(address) ?? address;
}

const notIPv6Address = new Refusal('an IPv6 address');

/** Reads an IPv6 address that a node can have: outer sources, SIDs. */
export function readIPv6Address(text: string): AddressField | Refusal {
  const address = readAddress(text);
  return !(address instanceof Refusal) && address.family === 4 ? notIPv6Address : address;
}

/** Reads a prefix of addresses that hosts can have. */
export function readPrefix(text: string): PrefixField | Refusal {
  const result = parsePrefix(text);
  if (!result.ok) return new Refusal(result.expected);
  return refuseSpecialPrefix(result.prefix) ?? { ...result.prefix, text: formatPrefix(result.prefix) };
}

/** Like readPrefix, but allows default routes: prefixes of networks that are not the tenants'. */
export function readAnyPrefix(text: string): PrefixField | Refusal {
  const result = parsePrefix(text);
  if (result.ok && result.prefix.length === 0) return { ...result.prefix, text: formatPrefix(result.prefix) };
  return readPrefix(text);
}

const notIPv6Prefix = new Refusal('an IPv6 prefix');

export function readIPv6Prefix(text: string): PrefixField | Refusal {
  const prefix = readPrefix(text);
  return !(prefix instanceof Refusal) && prefix.family === 4 ? notIPv6Prefix : prefix;
}
