/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways, for hypervisors and network nodes: flows, and the network node of each. */
#pragma once
#include "abi/types.h"

enum flow_type {
	FLOW_CONNECTION,
	FLOW_FRAGMENTS, /* of one datagram: both ports together are its identification */
};

/* A flow as its packets show it. ICMP echo has its identifier in both ports. */
struct flow_key {
	struct in6_addr source;
	struct in6_addr dest;
	__be16 source_port;
	__be16 dest_port;
	__u8 protocol;
	__u8 family;
	__u8 type; /* enum flow_type */
	__u8 unused;
} __attribute__((aligned(8))); /* hashed and compared in words of eight bytes */

/* The network node's number for each value of a flow's hash. sg_maglev[gateway]. */
struct maglev {
	__u16 active[MAGLEV_SLOTS]; /* those that are up and do not drain */
	__u16 all[MAGLEV_SLOTS]; /* those that drain, too */
	__u16 unused[2];
};

/* sg_gw_encaps: the way to a network node's SID of a tenant. */
struct gateway_encap_key {
	__u32 tenant;
	__u32 node; /* number of the network node */
};

/* sg_nn_state[number]. */
struct network_node {
	__u32 is_up;
	__u32 unused;
};

/* The flow whose entry is in sg_gw_affinity. sg_gw_flow_keys[line * GW_FLOW_WAYS + way]. Programs write it; only `segue` reads it. */
struct gw_flow_key {
	__u32 tenant;
	__u32 unused;
	struct flow_key flow; /* as this node's VM sends it */
};

/* Seconds without a packet after which a flow without connections may take another node: so that a draining node eventually loses it. */
enum gw_flow_timeout {
	GW_FLOW_SECONDS = 180,
};

/*
 * Which network node a flow has, on a hypervisor. One word, read and written as a whole. The tag is half of the hash that names the line: two flows
 * of a line are taken for one once in 2^32, and go to the same network node then, which decides about each by itself.
 */
struct gw_flow_affinity {
	__u16 seen; /* low bits of its last packet's time; TICK_SHIFT says in what */
	__u16 node;
	__u32 tag; /* 0: free */
} __attribute__((aligned(8)));

/* sg_gw_affinity[line]. */
struct gw_flow_line {
	struct gw_flow_affinity flows[GW_FLOW_WAYS];
};

/* sg_gw_evicted[0]. */
struct gw_evicted {
	__u64 flows; /* that lost their place to another of a full line */
};

/* sg_gw_seeds[0]. Random, constant while sg_gw_affinity lasts: nobody outside can choose which flows share a line. */
struct gw_seeds {
	__u64 seeds[HASH_SEEDS];
};
