/** Limits of DHCP and router advertisements, each with its unit. */

/** Seconds. A client renews after half of the time; with less than a minute it would do little else. */
export const MIN_LEASE_SECONDS = 60;
export const MAX_LEASE_SECONDS = 0x7fffffff;
export const DEFAULT_LEASE_SECONDS = 86_400;
/** Bytes of options that every DHCPv4 client accepts: 312 with the cookie (RFC 2131 section 2). */
export const MAX_OPTIONS4_BYTES = 308;
/** Bytes of the value of a DHCPv4 option. */
export const MAX_OPTION4_BYTES = 255;
/** RFC 1035 section 2.3.4, in text. */
export const MAX_DOMAIN_CHARS = 253;
export const MAX_LABEL_CHARS = 63;
/** Characters of a boot file, which shares its space with options 60, 66 and 150. */
export const MAX_BOOT_FILE_CHARS = 200;
/** Servers in a list: resolvers do not use more. */
export const MAX_SERVERS = 4;
/** Domain names in a search list, as in resolv.conf. */
export const MAX_SEARCH_NAMES = 6;
export const MAX_ROUTES = 16;
/** Prefix length of stateless address configuration (RFC 4862 with RFC 4291 section 2.5.1). */
export const SLAAC_PREFIX_BITS = 64;
