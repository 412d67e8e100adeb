/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Keys and values of the fast path's maps: the one definition, from which the TypeScript codecs are generated. Values are
 * aligned to 8 bytes (byte by byte copying cost 43 ns a packet), keys have no holes but named ones, which are zero. */
#pragma once
#include <linux/in6.h>
#include <linux/types.h>
#include <stdbool.h>

#define MAX_SEGMENTS 4
#define MAX_HOPS 4
/* An SRH for the reduced encapsulation of MAX_SEGMENTS: the first segment is in the destination address (RFC 8754 section 4.1.1). */
#define MAX_SRH_BYTES (8 + 16 * (MAX_SEGMENTS - 1))

enum family {
	FAMILY_INET = 4,
	FAMILY_INET6 = 6,
};

/* Of the node. nodes[0]. */
struct node {
	struct in6_addr source;	 /* outer source */
	struct in6_addr sid_block; /* host bits are zero */
	struct in6_addr sid_mask;
};

/* A port's interface. ports[ifindex]. */
struct port {
	__u32 tenant;
	__u32 slot; /* of its counters */
	__u8 vm_mac[6];
	__u16 mtu; /* largest inner packet, bytes */
	__u8 own_mac[6];
	__u8 dscp; /* enum dscp_policy, or DSCP_FIXED + the code point */
	__u8 flags;
	/* Where errors to the VM come from; zero without a subnet of that family. */
	struct in6_addr gateway6;
	__be32 gateway4;
};

enum port_flags {
	PORT_TUNNEL_SEGMENTATION = 1, /* the interface segments what decapsulation leaves (tx-ipxip6-segmentation) */
	PORT_FRAMES = 2,	      /* it takes frames from XDP (NETDEV_XDP_ACT_NDO_XMIT); a veth without NAPI at the peer drops them */
};

enum dscp_policy {
	DSCP_COPY,
	DSCP_ZERO,
	DSCP_FIXED = 128,
};

/* IPv4 addresses fill the first four bytes. */
struct member_key {
	__u32 tenant;
	__u32 family;
	struct in6_addr address;
};

struct prefix_key {
	__u32 length; /* bits, 64 for tenant and family included */
	__u32 tenant;
	__u32 family;
	struct in6_addr address;
};

enum target_kind {
	TARGET_LOCAL = 1,  /* id: ifindex of a port */
	TARGET_REMOTE = 2, /* id: of an encapsulation; 0: the kernel alone knows the way */
	TARGET_GATEWAY = 3, /* the tenant's gateway, which every node is */
};

/* Where an address is. */
struct target {
	__u32 kind;
	__u32 id;
};

/* What a port's VM may send from. */
struct source_key {
	__u32 ifindex;
	__u32 family;
	struct in6_addr address;
};

struct source_prefix_key {
	__u32 length; /* bits, 64 for interface and family included */
	__u32 ifindex;
	__u32 family;
	struct in6_addr address;
};

struct permit {
	__u64 unused;
};

/* H.Encaps.Red towards one tenant's SID. encaps[id]. */
struct encap {
	struct in6_addr first; /* destination address of the outer header */
	__u32 underlay;	       /* id of the way there */
	__u16 srh_bytes;       /* 0: no SRH */
	__u16 last_entry;
	__u8 srh[MAX_SRH_BYTES]; /* as it goes on the wire, but its next header */
};

struct hop {
	__u32 ifindex;
	__u16 mtu;
	__u8 dest_mac[6];
	__u8 source_mac[6];
	__u16 unused;
};

/* The ways of equal cost to a node, the resolved ones. underlays[id]. */
struct underlay {
	__u32 count;
	__u32 length;	     /* of the prefix that they lead to, bits: by both the agent knows the entry again */
	struct in6_addr dest;
	struct hop hops[MAX_HOPS];
};

enum behaviour {
	END_DT4 = 0x04,
	END_DT6 = 0x06,
	END_DT46 = 0x46,
};

/* A local SID. sids[address]. */
struct sid {
	__u32 tenant;
	__u32 behaviour;
};

/* Counters of a port: what its VM sent and was sent by the fast path. Per CPU. */
struct traffic {
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_packets;
	__u64 rx_bytes;
};

struct count {
	__u64 packets;
};
