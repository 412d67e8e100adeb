/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent makes them first, at the sizes it needs, and gives them to every program. */
#pragma once
#include "abi/reasons.h"
#include "abi/types.h"
#include "maps/map_defs.h"

ARRAY(sg_node, BPF_MAP_TYPE_ARRAY, struct node, 1);
TRIE(sg_trusted, struct trusted_key, struct permit, 4096);
HASH(sg_ports, __u32, struct port, 16384);
HASH(sg_allowed_src, struct source_key, struct permit, 65536);
TRIE(sg_allowed_lpm, struct source_prefix_key, struct permit, 65536);
HASH(sg_endpoints, struct member_key, struct target, 1 << 20);
TRIE(sg_endpoint_lpm, struct prefix_key, struct target, 1 << 20);
HASH(sg_encaps, __u32, struct encap, 1 << 20);
HASH(sg_nh_groups, __u32, struct underlay, 65536);
/* Outer sources of the SR domain's nodes (all of them but this one), and prefixes that are trusted like these. */
HASH(sg_domain_src, struct in6_addr, struct permit, 65536);
HASH(sg_sids, struct in6_addr, struct sid, 65536);
ARRAY(sg_cache_gen, BPF_MAP_TYPE_ARRAY, struct epoch, 1);

MEMORY(sg_egress_cache, struct egress_set, FLOW_SET_BITS);
MEMORY(sg_decap_cache, struct ingress_set, FLOW_SET_BITS);
MEMORY(sg_encap_cache, struct known_way, KNOWN_WAY_BITS);
MEMORY(sg_port_cache, struct known_port, KNOWN_PORT_BITS);
MEMORY(sg_source_cache, struct known_source, KNOWN_SOURCE_BITS);
ARRAY(sg_port_stats, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic, 16384);
ARRAY(sg_verdicts, BPF_MAP_TYPE_PERCPU_ARRAY, struct count, REASON_COUNT);
