/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Zones, policies and connections of a network node. The agent creates these maps first, at the sizes it needs. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"

ARRAY(nn, sg_nn_config, struct nn_config, 1);
HASH(nn, sg_gw_sids, struct in6_addr, struct zone, 65536);
TRIE(nn, sg_ext_src, struct external_src_key, struct zone, 4096);
TRIE(nn, sg_icmp_src_lpm, struct prefix_key, struct icmp_src, 1 << 16);
TRIE(nn, sg_zone_routes, struct prefix_key, struct zone, 1 << 18);
HASH(nn, sg_pol_pairs, struct zone_pair, struct policy_set, 65536);
TRIE(nn, sg_pol_src, struct class_key, struct policy_class, 1 << 18);
TRIE(nn, sg_pol_dst, struct class_key, struct policy_class, 1 << 18);
HASH(nn, sg_pol_rules, struct rule_key, struct policy_rule, 1 << 20);
ARRAY(nn, sg_pol_ports, struct policy_port, 1 << 18);
ARRAY(nn, sg_policies, struct policy, POLICY_SLOTS);
PERCPU_ARRAY_RW(nn, sg_pol_hits, struct policy_hit, POLICY_SLOTS);
PERCPU_ARRAY_RW(nn, sg_zone_stats, struct traffic_stats, ZONE_SLOTS);

/* Connections of all zones. The agent sets max_entries, and programs read it from the map. Buckets are aligned to cache lines. */
ARRAY_MMAP_RW(nn, sg_ct, struct connection_bucket, 1 << 15);
ARRAY_RW(nn, sg_ct_totals, struct ct_totals, 1);
HASH_RW(nn, sg_ct_pairs, struct zone_pair, struct ct_pair, 65536);

PERCPU_ARRAY_RW(nn, sg_log_rate, struct policy_log_ratelimit, 1);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} sg_policy_log SEC(".maps") MAP_SET(nn);
