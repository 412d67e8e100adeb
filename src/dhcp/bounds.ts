/** Bounds of what VMs can be told, each with its unit. */

/** Seconds. A client renews after half of it; below a minute it would do little else. */
export const MIN_LEASE_SECONDS = 60;
export const MAX_LEASE_SECONDS = 0x7fffffff;
export const DEFAULT_LEASE_SECONDS = 86_400;
/** Bytes of options that every DHCPv4 client takes: 312 with the cookie (RFC 2131 section 2). */
export const MAX_OPTIONS4_BYTES = 308;
/** Value of an option of DHCPv4. */
export const MAX_OPTION4_BYTES = 255;
/** RFC 1035 section 2.3.4, in text. */
export const MAX_DOMAIN_CHARS = 253;
export const MAX_LABEL_CHARS = 63;
/** Characters of a file to boot: options 60, 66 and 150 share its room. */
export const MAX_BOOT_FILE_CHARS = 200;
/** Servers in a list: more are of no use to resolvers and fill messages. */
export const MAX_SERVERS = 4;
/** Domain names in a search list, as resolv.conf has them. */
export const MAX_SEARCH_NAMES = 6;
export const MAX_ROUTES = 16;
/** Prefix length of stateless address configuration (RFC 4862 with RFC 4291 section 2.5.1). */
export const SLAAC_PREFIX_BITS = 64;
