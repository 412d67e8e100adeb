/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent makes them first, at the sizes it needs, and gives them to every program. */
#pragma once
#include "abi/reasons.h"
#include "abi/types.h"
#include "maps/map_defs.h"

ARRAY(sg_node, BPF_MAP_TYPE_ARRAY, struct node, 1);
TRIE(sg_trusted, struct trusted_key, struct present, 4096);
HASH(sg_ports, __u32, struct port, 16384);
HASH(sg_allowed_src, struct allowed_src_key, struct present, 65536);
TRIE(sg_allowed_lpm, struct allowed_src_lpm_key, struct present, 65536);
HASH(sg_endpoints, struct endpoint_key, struct endpoint, 1 << 20);
TRIE(sg_endpoint_lpm, struct prefix_key, struct endpoint, 1 << 20);
HASH(sg_encaps, __u32, struct encap, MAX_ENCAPS);
HASH(sg_nh_groups, __u32, struct nexthop_group, MAX_NEXTHOP_GROUPS);
/* Outer sources of the SR domain's nodes (all of them but this one), and prefixes that are trusted like these. */
HASH(sg_domain_src, struct in6_addr, struct present, 65536);
HASH(sg_sids, struct in6_addr, struct sid, 65536);
ARRAY(sg_cache_gen, BPF_MAP_TYPE_ARRAY, struct cache_generation, 1);

PERCPU_CACHE(sg_egress_cache, struct egress_cache_set, FLOW_CACHE_BITS);
PERCPU_CACHE(sg_decap_cache, struct decap_cache_set, FLOW_CACHE_BITS);
PERCPU_CACHE(sg_encap_cache, struct encap_cache_entry, ENCAP_CACHE_BITS);
PERCPU_CACHE(sg_port_cache, struct port_cache_entry, PORT_CACHE_BITS);
PERCPU_CACHE(sg_source_cache, struct source_cache_entry, SOURCE_CACHE_BITS);
ARRAY(sg_port_stats, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic_stats, PORT_SLOTS);
ARRAY(sg_verdicts, BPF_MAP_TYPE_PERCPU_ARRAY, struct verdict_count, REASON_COUNT);
