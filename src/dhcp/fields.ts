/** Parses single fields of the feature's part of the intent: domain names, servers, files. The result is canonical, or a refusal. */
import { formatAddress, parseAddress, prefixContains } from 'netlink-ts/inet';
import { Refusal } from '../intent/findings.js';
import { MAX_BOOT_FILE_CHARS, MAX_DOMAIN_CHARS, MAX_LABEL_CHARS } from './bounds.js';

const LABEL = `[A-Za-z0-9](?:[A-Za-z0-9-]{0,${MAX_LABEL_CHARS - 2}}[A-Za-z0-9])?`;
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const HOST = new RegExp(`^${LABEL}$`);
const badDomain = new Refusal(
  `a domain name: labels of up to ${MAX_LABEL_CHARS} letters, digits and "-" between dots, at most ${MAX_DOMAIN_CHARS} characters`,
);
const badHost = new Refusal(
  `a host name: up to ${MAX_LABEL_CHARS} letters, digits and "-", neither first nor last a "-"`,
);

/** Reads a domain name (RFC 1123 section 2.1), in lower case. */
export function readDomain(text: string): string | Refusal {
  return text.length <= MAX_DOMAIN_CHARS && DOMAIN.test(text) ? text.toLowerCase() : badDomain;
}

/** Reads a host name without a domain. */
export function readHostname(text: string): string | Refusal {
  return HOST.test(text) ? text : badHost;
}

/** Addresses that no server can have. Link-local ones are allowed, since the node's services use them. */
const NO_SERVER = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8', '::ffff:0.0.0.0/96'];

/** Reads the address of a server for VMs of a family. */
export function readServer(text: string, family: 4 | 6): string | Refusal {
  const parsed = parseAddress(text);
  if (parsed?.family !== family) return new Refusal(`an IPv${family} address, like the subnet`);
  if (NO_SERVER.some((range) => range.includes(':') === (family === 6) && prefixContains(range, parsed.bytes))) {
    return new Refusal('the address of one host');
  }
  return formatAddress(parsed.bytes);
}

const FILE = /^[\x21-\x7e]+$/;

/** Reads the name or URL of a file. */
export function readBootFile(text: string): string | Refusal {
  if (FILE.test(text) && text.length <= MAX_BOOT_FILE_CHARS) return text;
  return new Refusal(`1 to ${MAX_BOOT_FILE_CHARS} characters of ASCII without spaces`);
}
