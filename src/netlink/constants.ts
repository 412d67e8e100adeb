/** Numbers shared by several codecs, by the names of linux/netlink.h and linux/rtnetlink.h. */

export const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;

export const NLMSG_HDRLEN = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const NLM_F_DUMP = 0x300;
/** in an error message: the request is not quoted (NETLINK_CAP_ACK) */
export const NLM_F_CAPPED = 0x100;
/** in an error message: extended ACK attributes follow */
export const NLM_F_ACK_TLVS = 0x200;

/** What a verb adds to NLM_F_REQUEST. */
export const CREATE = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
export const REPLACE = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
export const APPEND = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND;
export const DUMP = NLM_F_REQUEST | NLM_F_DUMP;

export const NLA_F_NESTED = 0x8000;
/** without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
export const NLA_TYPE_MASK = 0x3fff;

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_NEWQDISC = 36;
export const RTM_GETQDISC = 38;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;
export const RTM_NEWLINKPROP = 108;
export const RTM_DELLINKPROP = 109;

/** Multicast groups of NETLINK_ROUTE, for NetlinkMonitor (RTNLGRP_*). */
export const RouteGroup = {
  link: 1,
  neighbour: 3,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv4Rule: 8,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv6Rule: 19,
  ipv4Netconf: 24,
  ipv6Netconf: 25,
  nexthop: 32,
} as const;

/** Multicast groups of NETLINK_NETFILTER (NFNLGRP_*). */
export const NetfilterGroup = { nftables: 7 } as const;

export const RTPROT_UNSPEC = 0;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

export const RTNH_F_ONLINK = 4;

export const IFF_UP = 1;

/** iproute2's word for an address family number. */
export function familyNumber(family: 4 | 6 | undefined): number {
  return family === 4 ? AF_INET : family === 6 ? AF_INET6 : AF_UNSPEC;
}

/** 4 or 6 for AF_INET or AF_INET6, undefined for any other. */
export function familyFromNumber(family: number): 4 | 6 | undefined {
  return family === AF_INET ? 4 : family === AF_INET6 ? 6 : undefined;
}
