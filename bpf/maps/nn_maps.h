/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a network node decides by. The agent makes these maps first, at the sizes it needs. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"

ARRAY(steering, BPF_MAP_TYPE_ARRAY, struct steering, 1);
HASH(gateway_sids, struct in6_addr, struct zone, 65536);
TRIE(external_sources, struct external_key, struct zone, 4096);
TRIE(zone_gateways, struct prefix_key, struct zone_gateway, 1 << 16);
TRIE(routes, struct prefix_key, struct zone, 1 << 18);
HASH(policy_pairs, struct pair_key, struct policy_set, 65536);
TRIE(policy_sources, struct class_key, struct policy_class, 1 << 18);
TRIE(policy_destinations, struct class_key, struct policy_class, 1 << 18);
HASH(policy_rules, struct rule_key, struct policy_rule, 1 << 20);
ARRAY(policy_ports, BPF_MAP_TYPE_ARRAY, struct policy_port, 1 << 18);
ARRAY(policies, BPF_MAP_TYPE_ARRAY, struct policy, POLICY_SLOTS);
ARRAY(policy_hits, BPF_MAP_TYPE_PERCPU_ARRAY, struct policy_hit, POLICY_SLOTS);
ARRAY(zone_traffics, BPF_MAP_TYPE_PERCPU_ARRAY, struct traffic, ZONE_SLOTS);

/* Connections of all zones. max_entries is the only size: the agent sets it, programs read it from the map. Mappable: entries begin with a page,
 * and buckets with a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 15);
	__type(key, __u32);
	__type(value, struct connection_bucket);
} connections SEC(".maps");
ARRAY(connection_totals, BPF_MAP_TYPE_ARRAY, struct connection_totals, 1);
HASH(pair_connections, struct pair_key, struct pair_connections, 65536);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} denials SEC(".maps");
