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

/* An uplink's own MAC address: a frame for another address is not for the host. */
struct uplink {
	__u32 ifindex; /* 0: none */
	__u8 mac[6];
	__u16 unused;
};

/* Configuration of the node. sg_node[0]. */
struct node {
	struct in6_addr source; /* outer source */
	struct in6_addr sid_block; /* host bits are zero */
	struct in6_addr sid_mask;
	__u32 has_trusted; /* sg_trusted has entries */
	__be32 service_prefix; /* the first 32 bits of addresses between ports and services inside the node; 0: it has no services */
	struct uplink uplinks[MAX_UPLINKS];
};

/* A prefix of the SR domain outside the SID block, of nodes that are not in the intent. sg_trusted. */
struct trusted_key {
	__u32 length; /* bits */
	struct in6_addr address;
};

/* A port's interface. sg_ports[ifindex]. */
struct port {
	__u32 tenant;
	__u32 slot; /* of its counters */
	__u8 vm_mac[6]; /* with gateway_mac the Ethernet addresses of frames to the VM: copied in one piece */
	__u8 gateway_mac[6]; /* of the tenant's gateway, which is the same at each port of each node */
	__u16 mtu; /* largest inner packet, bytes */
	__u8 dscp; /* enum dscp_policy, or DSCP_FIXED + the code point */
	__u8 flags;
	/* The source addresses of ICMP errors to the VM; zero without a subnet of that family. */
	struct in6_addr gateway6;
	__be32 gateway4;
	/*
	 * A filter of inner sources that a look-up decides about: bit source_bit(address) is set for the tenant's other gateways and, of a VM
	 * with several addresses of a family, for these; all bits are set for a VM with prefixes.
	 */
	__u32 checked_sources;
	/*
	 * The gateway's MAC address that the VM may still have in its neighbour cache: accepted like gateway_mac, never sent. Only frames to another
	 * address than gateway_mac are compared with it, so it may lie in the next cache line (struct port_cache_entry).
	 */
	__u8 former_mac[6];
	__u16 unused;
};

enum port_flags {
	PORT_TUNNEL_SEGMENTATION = 1, /* the interface segments what decapsulation leaves (tx-ipxip6-segmentation) */
	PORT_XDP_XMIT = 2, /* it takes frames from XDP (NETDEV_XDP_ACT_NDO_XMIT); a veth without NAPI at the peer drops them */
	PORT_REDIRECT_PEER = 4, /* its other end is in another namespace and takes packets itself: bpf_redirect_peer() */
	PORT_VLANS = 8, /* VLAN devices stand on it, which take frames with a tag */
	PORT_MIGRATES = 16, /* its VM moves between this node and another one: sg_migrations says where it is */
	PORT_STANDBY = 32, /* with PORT_MIGRATES: the VM comes to this node */
};

enum dscp_policy {
	DSCP_COPY,
	DSCP_ZERO,
	DSCP_FIXED = 128,
};

/* IPv4 addresses fill the first four bytes. */
struct endpoint_key {
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

enum endpoint_type {
	EP_LOCAL = 1, /* id: ifindex of a port */
	EP_REMOTE = 2, /* id: of an encapsulation; 0: only the kernel has a route */
	EP_GATEWAY = 3, /* the tenant's default gateway, whose part every node plays */
	EP_VIA_GATEWAY = 8, /* id: of the gateway, and GW_FIXED_SLOT_SHIFT */
	EP_EXTERNAL = 9, /* id: ifindex of an interface of an external network, and EP_EXTERNAL_XDP_XMIT; the kernel's routes know the next hop */
	EP_BLACKHOLE = 10, /* a subnet of the tenant: an address in it without an endpoint is unreachable, whatever a wider prefix says */
};

/* The highest bit of EP_EXTERNAL's id: the interface takes frames from XDP. */
#define EP_EXTERNAL_XDP_XMIT 0x80000000

/* The location of an address. */
struct endpoint {
	__u32 type;
	__u32 id;
};

/* A source address that a port's VM may use. */
struct allowed_src_key {
	__u32 ifindex;
	__u32 family;
	struct in6_addr address;
};

struct allowed_src_lpm_key {
	__u32 length; /* bits, 64 for interface and family included */
	__u32 ifindex;
	__u32 family;
	struct in6_addr address;
};

struct present {
	__u64 unused;
};

/* H.Encaps.Red towards one tenant's SID. sg_encaps[id]. */
struct encap {
	struct in6_addr first; /* destination address of the outer header */
	__u32 nexthop_group; /* id */
	__u16 srh_bytes; /* 0: no SRH */
	__u16 last_entry;
	__u8 srh[MAX_SRH_BYTES]; /* as it goes on the wire, but its next header */
};

struct nexthop {
	__u32 ifindex;
	__u16 mtu;
	__u8 dest_mac[6]; /* with source_mac the Ethernet addresses: copied in one piece */
	__u8 source_mac[6];
	__u8 flags; /* enum nexthop_flags */
	__u8 weight; /* less one, as in struct rtnexthop */
};

enum nexthop_flags {
	NH_LOOPBACK = 1, /* this node itself, as a network node: the packet is redirected to an uplink's ingress (the same bit as BPF_F_INGRESS) */
	NH_XDP_XMIT = 2, /* the interface takes frames from XDP; another one would drop a redirected frame silently */
};

/*
 * skb->mark. No frame arrives with a mark: devices set it to 0, and so does a veth whose peer is in another namespace. The uplink's
 * programs clear it.
 */
enum mark {
	MARK_LOOPBACK = 0x5e90e5e1, /* redirected by the port's program to this node itself (NH_LOOPBACK) */
	MARK_SERVICE = 0x5e90e5e3, /* on its way from a port to the services' namespace, where the mark is cleared */
	MARK_ADVERTISE = 0x5e90e5e2, /* from the agent: the port's program is to send an unsolicited router advertisement */
};

/* The resolved next hops of equal cost to a node. sg_nh_groups[id]. */
struct nexthop_group {
	__u32 count;
	__u32 length; /* of the prefix that they lead to, bits: by both the agent knows the entry again */
	struct in6_addr dest;
	struct nexthop hops[MAX_NEXTHOPS];
	__u8 slots[NEXTHOP_SLOTS / 2]; /* indexes of hops, two in a byte, the lower half first; of one hop none is read */
};

enum behaviour {
	END_DT4 = 0x04,
	END_DT6 = 0x06,
	END_DT46 = 0x46,
};

/* A local SID. sg_sids[address]. */
struct sid {
	__u32 tenant;
	__u32 behaviour;
};

/* Cache entries are valid while they have this number. Zero turns the caches off. The agent takes another, at random, after each change of
 * a lookup map. sg_cache_gen[0]. */
struct cache_generation {
	__u64 number;
	/* The same for cached gateway flows. Programs count on when a flow gets another network node (sg_gw_affinity). */
	__u32 gw_flow_generation;
	__u32 unused;
};

/* The encapsulation of a VM's packets between two addresses, or of one flow by a gateway. */
struct egress_cache_entry {
	__u64 generation;
	struct in6_addr source;
	struct in6_addr dest;
	__u32 ifindex;
	__u8 family;
	__u8 protocol; /* of a flow */
	__u16 unused;
	__u32 encap; /* id */
	__u32 ports; /* of a flow; else 0 */
	__u32 seen; /* of a flow: coarse_jiffies() */
	__u32 gw_flow_generation;
};

struct egress_cache_set {
	struct egress_cache_entry flows[CACHE_WAYS];
};

/* The port of packets for a SID and an inner destination. */
struct decap_cache_entry {
	__u64 generation;
	struct in6_addr sid;
	struct in6_addr dest;
	__u32 ifindex;
	__u32 family;
};

struct decap_cache_set {
	struct decap_cache_entry flows[CACHE_WAYS];
};

/* An encapsulation without an SRH and its next hops, as packets need them. With a single next hop only the first 64 bytes are read. */
struct encap_cache_entry {
	__u64 generation;
	__u32 encap; /* id */
	__u32 count; /* of hops */
	struct in6_addr first;
	struct nexthop hops[MAX_NEXTHOPS];
	__u8 slots[NEXTHOP_SLOTS / 2];
	__u64 unused[4];
};

/* The port of an interface. */
struct port_cache_entry {
	__u64 generation;
	__u32 ifindex;
	__u32 unused;
	struct port port;
	__u64 unused_line[7];
};

/* An outer source that was found in sg_domain_src or sg_trusted. */
struct source_cache_entry {
	__u64 generation;
	struct in6_addr source;
	__u32 network_node; /* 1 + its number, 1 + NO_NETWORK_NODE: it is none; 0: not looked up */
	__u32 unused;
};

/* Counters of a port: packets that its VM sent, and that the fast path delivered to it. Per CPU. */
struct traffic_stats {
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_packets;
	__u64 rx_bytes;
};

struct verdict_count {
	__u64 packets;
};
