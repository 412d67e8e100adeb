/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a network node decides by. The agent makes these maps first, at the sizes it needs. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"

ARRAY(sg_nn_config, BPF_MAP_TYPE_ARRAY, struct nn_config, 1);
HASH(sg_gw_sids, struct in6_addr, struct zone, 65536);
TRIE(sg_ext_src, struct external_src_key, struct zone, 4096);
TRIE(sg_icmp_src_lpm, struct prefix_key, struct icmp_src, 1 << 16);
TRIE(sg_zone_routes, struct prefix_key, struct zone, 1 << 18);
HASH(sg_pol_pairs, struct zone_pair, struct policy_set, 65536);
TRIE(sg_pol_src, struct class_key, struct policy_class, 1 << 18);
TRIE(sg_pol_dst, struct class_key, struct policy_class, 1 << 18);
HASH(sg_pol_rules, struct rule_key, struct policy_rule, 1 << 20);
ARRAY(sg_pol_ports, BPF_MAP_TYPE_ARRAY, struct policy_port, 1 << 18);
ARRAY(sg_policies, BPF_MAP_TYPE_ARRAY, struct policy, POLICY_SLOTS);
ARRAY(sg_pol_hits, BPF_MAP_TYPE_PERCPU_ARRAY, struct policy_hit, POLICY_SLOTS);
ARRAY(sg_zone_stats, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic_stats, ZONE_SLOTS);

/* Connections of all zones. max_entries is the only size: the agent sets it, programs read it from the map. Mappable: entries begin with a page,
 * and buckets with a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 15);
	__type(key, __u32);
	__type(value, struct connection_bucket);
} sg_ct SEC(".maps");
ARRAY(sg_ct_totals, BPF_MAP_TYPE_ARRAY, struct ct_totals, 1);
HASH(sg_ct_pairs, struct zone_pair, struct ct_pair, 65536);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} sg_policy_log SEC(".maps");
