/** Numbers of struct rtmsg and its attributes, linux/rtnetlink.h. */
import type { RouteMetrics, RouteType } from './types.js';

export const RTMSG_BYTES = 12;

export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_TABLE = 15;
export const RTA_MARK = 16;
export const RTA_VIA = 18;
export const RTA_ENCAP_TYPE = 21;
export const RTA_ENCAP = 22;
export const RTA_UID = 25;
export const RTA_IP_PROTO = 27;
export const RTA_SPORT = 28;
export const RTA_DPORT = 29;
export const RTA_NH_ID = 30;

/** in RTM_GETROUTE: answer with the route of the table, not with what it resolved to */
export const RTM_F_FIB_MATCH = 0x2000;
/** in RTM_GETROUTE: say which table matched */
export const RTM_F_LOOKUP_TABLE = 0x1000;

/** RTN_*, in order */
export const ROUTE_TYPES: readonly RouteType[] = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
];

export const RTAX_LOCK = 1;

/** RTAX_*, in order; 16 is the name of a congestion control */
export const METRIC_NAMES: readonly (keyof RouteMetrics | undefined)[] = [
  undefined,
  'lock',
  'mtu',
  'window',
  'rtt',
  'rttvar',
  'ssthresh',
  'cwnd',
  'advmss',
  'reordering',
  'hoplimit',
  'initcwnd',
  'features',
  'rtoMin',
  'initrwnd',
  'quickack',
];
