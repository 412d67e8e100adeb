/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent makes them first, at the sizes it needs, and gives them to every program. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include "layouts.h"
#include "reasons.h"

/* What a CPU remembers: sets of flows in each direction (1 MB), encapsulations, ports. Powers of two. */
#define FLOW_SET_BITS 12
#define KNOWN_WAY_BITS 10
#define KNOWN_PORT_BITS 8
#define KNOWN_SOURCE_BITS 10

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
TRIE(trusted_prefixes, struct trusted_key, struct permit, 4096);
HASH(ports, __u32, struct port, 16384);
HASH(sources, struct source_key, struct permit, 65536);
TRIE(source_prefixes, struct source_prefix_key, struct permit, 65536);
HASH(members, struct member_key, struct target, 1 << 20);
TRIE(prefixes, struct prefix_key, struct target, 1 << 20);
HASH(encaps, __u32, struct encap, 1 << 20);
HASH(underlays, __u32, struct underlay, 65536);
/* Outer sources of the SR domain's nodes (all of them but this one), and prefixes that are trusted like these. */
HASH(domain_sources, struct in6_addr, struct permit, 65536);
HASH(sids, struct in6_addr, struct sid, 65536);
ARRAY(epochs, BPF_MAP_TYPE_ARRAY, struct epoch, 1);
/* A part for each CPU, the first CPU's first: the agent makes them as large as the machine; a CPU without one remembers nothing. One piece of
 * memory: per-CPU maps of so many entries take half a second to make and a load more for each look-up. Mappable: entries begin with a page. */
#define MEMORY(NAME, VALUE, BITS)                        \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_ARRAY);        \
		__uint(map_flags, BPF_F_MMAPABLE);       \
		__uint(max_entries, 1 << BITS);          \
		__type(key, __u32);                      \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

MEMORY(egress_flows, struct egress_set, FLOW_SET_BITS);
MEMORY(ingress_flows, struct ingress_set, FLOW_SET_BITS);
MEMORY(known_ways, struct known_way, KNOWN_WAY_BITS);
MEMORY(known_ports, struct known_port, KNOWN_PORT_BITS);
MEMORY(known_sources, struct known_source, KNOWN_SOURCE_BITS);
ARRAY(traffics, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic, 16384);
ARRAY(reasons, BPF_MAP_TYPE_PERCPU_ARRAY, struct count, REASON_COUNT);
