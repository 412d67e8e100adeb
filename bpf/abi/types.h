/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Keys and values of the fast path's maps: the one definition, from which the TypeScript codecs are generated. Values are
 * aligned to 8 bytes (byte by byte copying cost 43 ns a packet), keys have no holes but named ones, which are zero.
 */
#pragma once
#include <linux/in6.h>
#include <linux/types.h>
#include <stdbool.h>
#include "abi/limits.h"

enum family {
	FAMILY_INET = 4,
	FAMILY_INET6 = 6,
};

/* An uplink's own MAC address: frames for another one are not the host's. */
struct uplink {
	__u32 ifindex; /* 0: none */
	__u8 mac[6];
	__u16 unused;
};

/* Of the node. nodes[0]. */
struct node {
	struct in6_addr source;	 /* outer source */
	struct in6_addr sid_block; /* host bits are zero */
	struct in6_addr sid_mask;
	__u32 has_trusted; /* trusted_prefixes has entries */
	__u32 unused;
	struct uplink uplinks[MAX_UPLINKS];
};

/* A prefix of the SR domain beyond the SID block: of nodes that the intent does not have. trusted_prefixes. */
struct trusted_key {
	__u32 length; /* bits */
	struct in6_addr address;
};

/* A port's interface. ports[ifindex]. */
struct port {
	__u32 tenant;
	__u32 slot; /* of its counters */
	__u8 vm_mac[6]; /* with gateway_mac the Ethernet addresses of what it is sent: copied in one piece */
	__u8 gateway_mac[6]; /* of the tenant's gateway, which is the same at each port of each node */
	__u16 mtu; /* largest inner packet, bytes */
	__u8 dscp; /* enum dscp_policy, or DSCP_FIXED + the code point */
	__u8 flags;
	/* Where errors to the VM come from; zero without a subnet of that family. */
	struct in6_addr gateway6;
	__be32 gateway4;
	/*
	 * A filter of inner sources that a look-up decides about: bit source_bit(address) is set for the tenant's other gateways and, of a VM
	 * with several addresses of a family, for these; all bits are set for a VM with prefixes.
	 */
	__u32 checked_sources;
	/*
	 * What the VM may still have as the gateway's address, from before it had this one: taken like it, never sent. Looked at where a frame is
	 * for another address alone, so it may lie in the cache's next line (known_port).
	 */
	__u8 former_mac[6];
	__u16 unused;
};

enum port_flags {
	PORT_TUNNEL_SEGMENTATION = 1, /* the interface segments what decapsulation leaves (tx-ipxip6-segmentation) */
	PORT_FRAMES = 2,	      /* it takes frames from XDP (NETDEV_XDP_ACT_NDO_XMIT); a veth without NAPI at the peer drops them */
	PORT_PEER = 4,		      /* its other end is in another namespace and takes packets itself: bpf_redirect_peer() */
	PORT_VLANS = 8,		      /* VLAN devices stand on it, which take frames with a tag */
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
	TARGET_STEERED = 8, /* id: of the gateway whose network nodes know the way, and STEERED_PLACE */
	TARGET_EXTERNAL = 9, /* id: ifindex of an interface of an external network, and EXTERNAL_FRAMES; the kernel's routes know the next hop */
	TARGET_ABSENT = 10, /* a prefix of the tenant's own: what no member has of it is nowhere, and not behind a wider prefix */
};

/* Of the id of TARGET_STEERED the upper half: 0, or 1 + the place in the gateway's table that all flows have, whatever their hash. */
#define STEERED_PLACE 16

/* Of the id of TARGET_EXTERNAL the highest bit: the interface takes frames from XDP. */
#define EXTERNAL_FRAMES 0x80000000

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
	__u8 dest_mac[6]; /* with source_mac the Ethernet addresses: copied in one piece */
	__u8 source_mac[6];
	__u8 flags;  /* enum hop_flags */
	__u8 weight; /* less one, as in struct rtnexthop */
};

enum hop_flags {
	HOP_SELF = 1, /* this node itself, a network node: the packet is redirected to where it would arrive (BPF_F_INGRESS is the same) */
	HOP_FRAMES = 2, /* the interface takes frames from XDP: of one that does not, a redirect is lost without a word */
};

/*
 * skb->mark. No frame brings one with it: devices hand packets over with the mark 0, and so does a veth from another namespace. The
 * uplink's programs clear it.
 */
enum mark {
	MARK_SELF = 0x5e90e5e1, /* redirected by the port's program to this node itself (HOP_SELF) */
};

/* The ways of equal cost to a node, the resolved ones. underlays[id]. */
struct underlay {
	__u32 count;
	__u32 length;	     /* of the prefix that they lead to, bits: by both the agent knows the entry again */
	struct in6_addr dest;
	struct hop hops[MAX_HOPS];
	__u8 slots[HOP_SLOTS / 2]; /* indexes of hops, two in a byte, the lower half first; of one hop none is read */
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

/* What a CPU remembers holds as long as this is the number. Zero: nothing is remembered. The agent takes another, at random, after each
 * change of what is looked up. epochs[0]. */
struct epoch {
	__u64 number;
	/* The same of what is remembered of steered flows: programs count on when one of them has another network node (flow_nodes). */
	__u32 follows;
	__u32 unused;
};

/* A VM's packets between two addresses, or of one flow that is steered: the encapsulation that they take. */
struct egress_flow {
	__u64 epoch;
	struct in6_addr source;
	struct in6_addr dest;
	__u32 ifindex;
	__u8 family;
	__u8 protocol; /* of a flow */
	__u16 unused;
	__u32 encap; /* id */
	__u32 ports; /* of a flow; else 0 */
	__u32 seen;  /* of a flow: moment_now() */
	__u32 follows;
};

struct egress_set {
	struct egress_flow flows[FLOWS_A_SET];
};

/* Packets that arrive from an outer source for a SID and an inner address: the port that they are for. */
struct ingress_flow {
	__u64 epoch;
	struct in6_addr sid;
	struct in6_addr dest;
	__u32 ifindex;
	__u32 family;
};

struct ingress_set {
	struct ingress_flow flows[FLOWS_A_SET];
};

/* Of an encapsulation without an SRH: what packets need of it and of the way there; where one next hop is all there is, the first 64 bytes. */
struct known_way {
	__u64 epoch;
	__u32 encap; /* id */
	__u32 count; /* of hops */
	struct in6_addr first;
	struct hop hops[MAX_HOPS];
	__u8 slots[HOP_SLOTS / 2];
	__u64 unused[4];
};

/* Of an interface: its port. */
struct known_port {
	__u64 epoch;
	__u32 ifindex;
	__u32 unused;
	struct port port;
	__u64 unused_line[7];
};

/* An outer source that was found in domain_sources or trusted_prefixes. */
struct known_source {
	__u64 epoch;
	struct in6_addr source;
	__u64 unused;
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
