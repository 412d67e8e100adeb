/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Ports: a per-CPU cache of encapsulations by source and destination (fib/cache.h). */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

static __always_inline struct egress_cache_set *egress_cache_set(const struct inner *inner, __u32 ifindex)
{
	__u32 index = cache_index(inner->addr_hash ^ ifindex, FLOW_CACHE_BITS);

	return bpf_map_lookup_elem(&sg_egress_cache, &index);
}

/* The encapsulation of the last packet between these two addresses; 0 on a miss. */
static __always_inline __u32 egress_cache_lookup(const struct inner *inner, __u32 ifindex, __u64 generation)
{
	struct egress_cache_set *set = egress_cache_set(inner, ifindex);
	int i;

	if (!set || !generation)
		return 0;
#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		const struct egress_cache_entry *flow = &set->flows[i];

		if (flow->generation == generation && flow->ifindex == ifindex && flow->family == inner->family && !flow->ports &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source))
			return flow->encap;
	}
	return 0;
}

/* The entry to replace: an invalid one, or any. */
static __always_inline struct egress_cache_entry *egress_cache_victim(struct egress_cache_set *set, __u32 hash, __u64 generation)
{
	int i;

#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		if (set->flows[i].generation != generation)
			return &set->flows[i];
	}
	return &set->flows[hash & (CACHE_WAYS - 1)];
}

static __always_inline void egress_cache_write(struct egress_cache_entry *flow, const struct inner *inner, __u32 ifindex, __u64 generation,
					       __u32 encap)
{
	flow->generation = generation;
	copy_address(&flow->source, &inner->source);
	copy_address(&flow->dest, &inner->dest);
	flow->ifindex = ifindex;
	flow->family = inner->family;
	flow->encap = encap;
	flow->ports = 0;
}

static __always_inline void egress_cache_insert(const struct inner *inner, __u32 ifindex, __u64 generation, __u32 encap)
{
	struct egress_cache_set *set = egress_cache_set(inner, ifindex);

	if (set && generation)
		egress_cache_write(egress_cache_victim(set, inner->hash, generation), inner, ifindex, generation, encap);
}
