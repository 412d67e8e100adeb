/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Uplinks: a per-CPU cache of ports by SID and inner destination (fib/cache.h). Outer sources have a cache of their own (sg_source_cache). */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

static __always_inline struct decap_cache_set *decap_cache_set(const struct in6_addr *sid, const struct in6_addr *dest)
{
	const __u64 *x = (const void *)sid, *y = (const void *)dest;
	/* A factor for each word: SIDs and addresses are both numbered consecutively, and would collide in a plain sum. */
	__u64 key = x[0] + x[1] * 0xff51afd7ed558ccdULL + y[0] * 0xc4ceb9fe1a85ec53ULL + y[1] * 0xd6e8feb86659fd93ULL;
	__u32 index = cache_index(key, FLOW_CACHE_BITS);

	return bpf_map_lookup_elem(&sg_decap_cache, &index);
}

/* The interface of the port that an arrived packet is for; 0 on a miss. */
static __always_inline __u32 decap_cache_lookup(const struct ipv6hdr *outer, const struct inner *inner, __u64 generation)
{
	struct decap_cache_set *set = decap_cache_set(&outer->daddr, &inner->dest);
	int i;

	if (!set || !generation)
		return 0;
#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		const struct decap_cache_entry *flow = &set->flows[i];

		if (flow->generation == generation && flow->family == inner->family && same_address(&flow->dest, &inner->dest) &&
		    same_address(&flow->sid, &outer->daddr))
			return flow->ifindex;
	}
	return 0;
}

static __always_inline void decap_cache_insert(const struct ipv6hdr *outer, const struct inner *inner, __u64 generation, __u32 ifindex)
{
	struct decap_cache_set *set = decap_cache_set(&outer->daddr, &inner->dest);
	struct decap_cache_entry *flow;
	int i;

	if (!set || !generation)
		return;
	flow = &set->flows[inner->hash & (CACHE_WAYS - 1)];
#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		if (set->flows[i].generation != generation) {
			flow = &set->flows[i];
			break;
		}
	}
	flow->generation = generation;
	copy_address(&flow->sid, &outer->daddr);
	copy_address(&flow->dest, &inner->dest);
	flow->family = inner->family;
	flow->ifindex = ifindex;
}
