/** Every bound of the files a user writes, in one place, each with its unit. */

/**
 * Largest YAML file. npm `yaml` costs about 0.8 s and 200 MB a MiB, on the thread that repairs drift; JSON costs a
 * fifteenth of that and needs no such bound.
 */
export const MAX_YAML_BYTES = 2 * 1024 * 1024;
/** Largest JSON file: about two million ports, and well under the longest string V8 can hold. */
export const MAX_JSON_BYTES = 256 * 1024 * 1024;
/** Collections inside collections in either format; the schema needs five. The `yaml` parser recurses by depth. */
export const MAX_DEPTH_LEVELS = 32;
/** Lines of an error's message; what is beyond is counted, and all of it is in `issues`. */
export const MAX_ISSUES_RENDERED = 1000;
/** Characters of one of its lines, without the file's name: a name of the file may be megabytes. */
export const MAX_ISSUE_CHARS = 600;
/** Unknown names a file gets "did you mean" for; each costs a comparison with every known name. */
export const MAX_SUGGESTIONS = 100;

/** A name is a path component of run-time files and part of a link's alias (IFALIASZ is 256). */
export const MAX_NAME_CHARS = 63;
/** IFNAMSIZ - 1 (include/uapi/linux/if.h). */
export const MAX_INTERFACE_NAME_CHARS = 15;
/** 24 bits, as in a VXLAN VNI; the SID's argument field. */
export const MAX_TENANT_ID = 0xffffff;
/** Locator length in bits; the function takes 32 of the rest. */
export const LOCATOR_BITS = 48;
/** Behaviour bytes that follow the locator in a tenant's SID: End.DT4, End.DT6, End.DT46 (RFC 8986 section 4). */
export const TENANT_SID_BEHAVIOURS: readonly number[] = [0x04, 0x06, 0x46];
/** Transit segments of a path, before the tenant's SID. 8 make an SRH of 8 + 16 × 8 bytes, and 40 + 136 of the MTU. */
export const MAX_VIA_SEGMENTS = 8;
export const MAX_DSCP = 63;
/** Routing tables have 32 bits (RTA_TABLE). */
export const MAX_TABLE = 0xffffffff;
/** Ports of TCP and UDP have 16 bits. */
export const MAX_L4_PORT = 65535;
export const MAX_POLICY_PRIORITY = 65535;
/** Priority of a policy that names none. */
export const DEFAULT_POLICY_PRIORITY = 1000;
/** Network nodes of a gateway: flows are spread over a Maglev table of a size that serves this many evenly. */
export const MAX_GATEWAY_NODES = 16;
/** RFC 1122 section 3.3.3: every IPv4 host takes 576 bytes. */
export const MIN_TENANT_MTU_BYTES = 576;
/** RFC 8200 section 5. */
export const MIN_IPV6_MTU_BYTES = 1280;
export const MAX_MTU_BYTES = 65535;

/** Wait after a file event for the writer to finish. */
export const WATCH_DEBOUNCE_MS = 100;
/** A directory that is never quiet does not put the reading off longer than this. */
export const WATCH_MAX_DELAY_MS = 1000;
/** A file is looked at this often even when no event came (watch exhausted, network file system, lost event). */
export const WATCH_RESTAT_INTERVAL_MS = 5000;
/** A file changed less than this before it was read may change again within the same timestamp: read it once more. */
export const WATCH_RACY_MS = 50;
/** Symbolic links followed on the way to a file, as the kernel's MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;
