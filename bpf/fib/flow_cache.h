/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The encapsulation that a VM's packets take, by their addresses. */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

static __always_inline struct egress_set *egress_set(const struct inner *inner, __u32 ifindex)
{
	__u32 index = memory_index(inner->pair ^ ifindex, FLOW_SET_BITS);

	return bpf_map_lookup_elem(&egress_flows, &index);
}

/* The encapsulation that a VM's packet takes, by what was found for the last one between its addresses; 0: nothing is remembered. */
static __always_inline __u32 recall_egress(const struct inner *inner, __u32 ifindex, __u64 epoch)
{
	struct egress_set *set = egress_set(inner, ifindex);
	int i;

	if (!set || !epoch)
		return 0;
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		const struct egress_flow *flow = &set->flows[i];

		if (flow->epoch == epoch && flow->ifindex == ifindex && flow->family == inner->family && !flow->ports &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source))
			return flow->encap;
	}
	return 0;
}

/* Where another is remembered: in the place of one that holds no more, or of any. */
static __always_inline struct egress_flow *egress_place(struct egress_set *set, __u32 hash, __u64 epoch)
{
	int i;

#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		if (set->flows[i].epoch != epoch)
			return &set->flows[i];
	}
	return &set->flows[hash & (FLOWS_A_SET - 1)];
}

static __always_inline void write_egress(struct egress_flow *flow, const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 encap)
{
	flow->epoch = epoch;
	copy_address(&flow->source, &inner->source);
	copy_address(&flow->dest, &inner->dest);
	flow->ifindex = ifindex;
	flow->family = inner->family;
	flow->encap = encap;
	flow->ports = 0;
}

static __always_inline void remember_egress(const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 encap)
{
	struct egress_set *set = egress_set(inner, ifindex);

	if (set && epoch)
		write_egress(egress_place(set, inner->hash, epoch), inner, ifindex, epoch, encap);
}
