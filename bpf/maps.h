/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent makes them first, at the sizes it needs, and gives them to every program. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include "layouts.h"
#include "reasons.h"

/* Flows that a CPU remembers in each direction. */
#define FLOW_BITS 13
#define FLOWS (1 << FLOW_BITS)

#define HASH(NAME, KEY, VALUE, SIZE)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_HASH);         \
		__uint(map_flags, BPF_F_NO_PREALLOC);    \
		__uint(max_entries, SIZE);               \
		__type(key, KEY);                        \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

#define TRIE(NAME, KEY, VALUE, SIZE)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);     \
		__uint(map_flags, BPF_F_NO_PREALLOC);    \
		__uint(max_entries, SIZE);               \
		__type(key, KEY);                        \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

#define ARRAY(NAME, TYPE, VALUE, SIZE)                   \
	struct {                                         \
		__uint(type, TYPE);                      \
		__uint(max_entries, SIZE);               \
		__type(key, __u32);                      \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

ARRAY(nodes, BPF_MAP_TYPE_ARRAY, struct node, 1);
HASH(ports, __u32, struct port, 16384);
HASH(sources, struct source_key, struct permit, 65536);
TRIE(source_prefixes, struct source_prefix_key, struct permit, 65536);
HASH(members, struct member_key, struct target, 1 << 20);
TRIE(prefixes, struct prefix_key, struct target, 1 << 20);
HASH(encaps, __u32, struct encap, 1 << 20);
HASH(underlays, __u32, struct underlay, 65536);
HASH(sids, struct in6_addr, struct sid, 65536);
ARRAY(epochs, BPF_MAP_TYPE_ARRAY, struct epoch, 1);
/* FLOWS for each CPU, the first CPU's first: the agent makes them as large as the machine; a CPU that has none remembers nothing. One piece
 * of memory: a per-CPU map of as many entries takes half a second to make, and a load more for each look-up. */
ARRAY(egress_flows, BPF_MAP_TYPE_ARRAY, struct egress_flow, FLOWS);
ARRAY(ingress_flows, BPF_MAP_TYPE_ARRAY, struct ingress_flow, FLOWS);
ARRAY(traffics, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic, 16384);
ARRAY(reasons, BPF_MAP_TYPE_PERCPU_ARRAY, struct count, REASON_COUNT);
