/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The fast path's maps. The agent makes them first, at the sizes it needs, and gives them to every program. */
#pragma once
#include "abi/reasons.h"
#include "abi/types.h"
#include "maps/map_defs.h"

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

MEMORY(egress_flows, struct egress_set, FLOW_SET_BITS);
MEMORY(ingress_flows, struct ingress_set, FLOW_SET_BITS);
MEMORY(known_ways, struct known_way, KNOWN_WAY_BITS);
MEMORY(known_ports, struct known_port, KNOWN_PORT_BITS);
MEMORY(known_sources, struct known_source, KNOWN_SOURCE_BITS);
ARRAY(traffics, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic, 16384);
ARRAY(reasons, BPF_MAP_TYPE_PERCPU_ARRAY, struct count, REASON_COUNT);
