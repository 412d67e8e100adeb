/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent creates them first, at the sizes it needs, and every program reuses them. */
#pragma once
#include "abi/reasons.h"
#include "abi/types.h"
#include "maps/map_defs.h"

ARRAY(fastpath, sg_node, struct node, 1);
TRIE(fastpath, sg_trusted, struct trusted_key, struct present, 4096);
HASH(fastpath, sg_ports, __u32, struct port, 16384);
HASH(fastpath, sg_allowed_src, struct allowed_src_key, struct present, 65536);
TRIE(fastpath, sg_allowed_lpm, struct allowed_src_lpm_key, struct present, 65536);
HASH(fastpath, sg_endpoints, struct endpoint_key, struct endpoint, 1 << 20);
TRIE(fastpath, sg_endpoint_lpm, struct prefix_key, struct endpoint, 1 << 20);
HASH(fastpath, sg_encaps, __u32, struct encap, MAX_ENCAPS);
HASH(fastpath, sg_nh_groups, __u32, struct nexthop_group, MAX_NEXTHOP_GROUPS);
/* Outer sources of the SR domain's nodes, without this one. Trusted prefixes are in sg_trusted. */
HASH(fastpath, sg_domain_src, struct in6_addr, struct present, 65536);
HASH(fastpath, sg_sids, struct in6_addr, struct sid, 65536);
/* Programs write gw_flow_generation only. */
ARRAY_RW(fastpath, sg_cache_gen, struct cache_generation, 1);

PERCPU_CACHE(fastpath, sg_egress_cache, struct egress_cache_set, FLOW_CACHE_BITS);
PERCPU_CACHE(fastpath, sg_decap_cache, struct decap_cache_set, FLOW_CACHE_BITS);
PERCPU_CACHE(fastpath, sg_encap_cache, struct encap_cache_entry, ENCAP_CACHE_BITS);
PERCPU_CACHE(fastpath, sg_port_cache, struct port_cache_entry, PORT_CACHE_BITS);
PERCPU_CACHE(fastpath, sg_source_cache, struct source_cache_entry, SOURCE_CACHE_BITS);
PERCPU_ARRAY_RW(fastpath, sg_port_stats, struct traffic_stats, PORT_SLOTS);
PERCPU_ARRAY_RW(fastpath, sg_verdicts, struct verdict_count, REASON_COUNT);
