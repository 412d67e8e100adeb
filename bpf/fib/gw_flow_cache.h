/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Hypervisors: a per-CPU cache of flows that go through network nodes (fib/cache.h). Entries expire after 256 jiffies, so that the slow path
 * marks the flow as used in sg_gw_affinity. Only flows whose ports were parsed are cached, and no packet that opens a connection.
 */
#pragma once
#include "fib/flow_cache.h"
#include "net/time.h"

/* Whether tenants of this node have gateways. Set before loading; if not, the verifier removes this code from the programs. */
const volatile bool use_gateways = false;

static __always_inline struct cache_generation *cache_generation_entry(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_cache_gen, &zero);
}

static __always_inline __u32 gw_flow_generation_now(void)
{
	struct cache_generation *generation = cache_generation_entry();

	return generation ? *(volatile __u32 *)&generation->gw_flow_generation : 0;
}

/* Invalidates the cached flows of all CPUs, because a flow has moved to another network node. */
static __always_inline void gw_flow_cache_invalidate(void)
{
	struct cache_generation *generation = cache_generation_entry();

	if (generation)
		__sync_fetch_and_add(&generation->gw_flow_generation, 1);
}

static __always_inline struct egress_cache_set *gw_flow_cache_set(const struct inner *inner, __u32 ifindex)
{
	__u32 index = cache_index(inner->hash ^ ((__u64)ifindex << 32), FLOW_CACHE_BITS);

	return bpf_map_lookup_elem(&sg_egress_cache, &index);
}

/* The encapsulation towards the flow's network node; 0 on a miss. */
static __always_inline __u32 gw_flow_cache_lookup(const struct inner *inner, __u32 ifindex, __u64 generation)
{
	struct egress_cache_set *set;
	__u32 now, gw_flow_generation;
	int i;

	if (!use_gateways || !generation || !inner->ports || is_syn(inner))
		return 0;
	set = gw_flow_cache_set(inner, ifindex);
	if (!set)
		return 0;
	now = coarse_jiffies();
	gw_flow_generation = gw_flow_generation_now();
#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		const struct egress_cache_entry *flow = &set->flows[i];

		if (flow->generation == generation && flow->ports == inner->ports && flow->seen == now &&
		    flow->gw_flow_generation == gw_flow_generation && flow->protocol == inner->protocol && flow->ifindex == ifindex &&
		    flow->family == inner->family && same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source))
			return flow->encap;
	}
	return 0;
}

/* gw_flow_generation: as it was before the flow was looked up */
static __always_inline void gw_flow_cache_insert(const struct inner *inner, __u32 ifindex, __u64 generation, __u32 gw_flow_generation, __u32 encap)
{
	struct egress_cache_set *set;
	struct egress_cache_entry *flow;
	__u32 now;
	int i;

	if (!use_gateways || !generation || !inner->ports || is_syn(inner))
		return;
	set = gw_flow_cache_set(inner, ifindex);
	if (!set)
		return;
	now = coarse_jiffies();
	flow = egress_cache_victim(set, inner->hash, generation);
	/* An expired entry is replaced before any other. */
#pragma unroll
	for (i = CACHE_WAYS - 1; i >= 0; i--) {
		if (set->flows[i].ports && set->flows[i].seen != now)
			flow = &set->flows[i];
	}
	egress_cache_write(flow, inner, ifindex, generation, encap);
	flow->ports = inner->ports;
	flow->protocol = inner->protocol;
	flow->seen = now;
	flow->gw_flow_generation = gw_flow_generation;
}
