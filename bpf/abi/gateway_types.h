/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways, as hypervisors and network nodes have them: flows, and the network nodes that they take. */
#pragma once
#include "abi/types.h"

enum flow_kind {
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
	__u8 kind; /* enum flow_kind */
	__u8 unused;
} __attribute__((aligned(8))); /* hashed and compared in words of eight bytes */

/* maglevs[gateway]: number of a network node for each of a flow's hashes. */
struct maglev {
	__u16 active[MAGLEV_SLOTS]; /* those that are up and do not drain */
	__u16 all[MAGLEV_SLOTS];    /* those that drain, too */
	__u16 unused[2];
};

/* gateway_encaps: the way to a network node's SID of a tenant. */
struct gateway_encap_key {
	__u32 tenant;
	__u32 node; /* number of the network node */
};

/* network_nodes[number]. */
struct network_node {
	__u32 is_up;
	__u32 unused;
};

/* flow_nodes: which network node a flow has, on a hypervisor. */
struct flow_node_key {
	__u32 tenant;
	__u32 unused;
	struct flow_key flow; /* as this node's VM sends it */
};

/* Seconds without a packet after which a flow without connections may take another node: so that a draining node eventually loses it. */
enum flow_seconds {
	FLOW_NODE_SECONDS = 180,
};

struct flow_node {
	__u32 node;
	__u32 seen;
};

/* A flow that a network node brought: what a hypervisor's CPU remembers of it (bpf/fib/gw_flow_cache.h). */
struct followed_flow {
	__u64 epoch;
	__u32 ports;
	__u32 tenant;
	__u32 seen; /* moment_now() */
	__u32 follows;
	struct in6_addr outer_source;
	struct in6_addr source;
	struct in6_addr dest;
	__u8 family;
	__u8 protocol;
	__u16 unused[3];
};

struct followed_set {
	struct followed_flow flows[FLOWS_A_SET];
};
