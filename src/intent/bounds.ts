/** All bounds of the files that users write, each with its unit. */

/**
 * Largest YAML file. The npm package `yaml` takes about 0.8 s and 200 MB for each MiB; JSON takes a fifteenth of that
 * and needs no such bound.
 */
export const MAX_YAML_BYTES = 2 * 1024 * 1024;
/** Largest JSON file: about two million ports, and well below the longest string of V8. */
export const MAX_JSON_BYTES = 256 * 1024 * 1024;
/** Nesting of collections in either format; the schema needs five levels. The `yaml` parser recurses. */
export const MAX_DEPTH_LEVELS = 32;
/** Lines of an error's message; the rest is only counted. `issues` contains all. */
export const MAX_ISSUES_RENDERED = 1000;
/** Characters of one of its lines, without the file's name: a name in the file may have megabytes. */
export const MAX_ISSUE_CHARS = 600;
/** Unknown names for which a file gets "did you mean"; each is compared with every known name. */
export const MAX_SUGGESTIONS = 100;

/** A name is a component of run-time files' paths, and part of a link's alias (IFALIASZ is 256). */
export const MAX_NAME_CHARS = 63;
/** IFNAMSIZ - 1 (include/uapi/linux/if.h). */
export const MAX_INTERFACE_NAME_CHARS = 15;
/** 24 bits, as in a VXLAN VNI; the SID's argument field. */
export const MAX_TENANT_ID = 0xffffff;
/** Length of locators in bits; the function takes the next 32. */
export const LOCATOR_BITS = 48;
/** Behaviour bytes that follow the locator in a tenant's SID: End.DT4, End.DT6, End.DT46 (RFC 8986 section 4). */
export const TENANT_SID_BEHAVIOURS: readonly number[] = [0x04, 0x06, 0x46];
/** Transit segments of a path, before the tenant's SID. Eight take an SRH of 8 + 16 × 8 bytes, and 40 + 136 bytes of the MTU. */
export const MAX_VIA_SEGMENTS = 8;
export const MAX_DSCP = 63;
/** Routing tables have 32 bits (RTA_TABLE). */
export const MAX_TABLE = 0xffffffff;
/** Ports of TCP and UDP have 16 bits. */
export const MAX_L4_PORT = 65535;
export const MAX_POLICY_PRIORITY = 65535;
/** Priority of a policy without `priority`. */
export const DEFAULT_POLICY_PRIORITY = 1000;
/** Network nodes of a gateway: the size of the Maglev table distributes flows evenly over at most this many. */
export const MAX_GATEWAY_NODES = 16;
/** RFC 1122 section 3.3.3: every IPv4 host takes 576 bytes. */
export const MIN_TENANT_MTU_BYTES = 576;
/** RFC 8200 section 5. */
export const MIN_IPV6_MTU_BYTES = 1280;
export const MAX_MTU_BYTES = 65535;

/** Wait after a file event, so that the writer can finish. */
export const WATCH_DEBOUNCE_MS = 100;
/** Longest delay of a reading in a directory with continuous events. */
export const WATCH_MAX_DELAY_MS = 1000;
/** Interval of checking a file without events (no watches left, network file systems, lost events). */
export const WATCH_RESTAT_INTERVAL_MS = 5000;
/** A file that changed less than this before it was read may change again with the same timestamp: it is read again. */
export const WATCH_RACY_MS = 50;
/** Symbolic links followed to a file, equal to the kernel's MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;

/** Requests of a port to the metadata service per second; AWS allows 1024 packets per second and interface. */
export const MAX_METADATA_RATE = 10_000;
export const DEFAULT_METADATA_RATE = 50;
/** Queries of a port to the DNS service per second; AWS's resolver allows 1024 packets per second and interface. */
export const MAX_DNS_RATE = 100_000;
export const DEFAULT_DNS_RATE = 1024;
export const DNS_PORT = 53;
export const MAX_PORT_NUMBER = 65_535;
export const MAX_HOP_LIMIT = 255;
/** Default hop limit of IP. */
export const DEFAULT_HOP_LIMIT = 64;
/** Length of the prefix between ports and services of a node. */
export const SERVICE_PREFIX_BITS = 32;
