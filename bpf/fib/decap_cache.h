/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Uplinks: a per-CPU cache of the ports that arrived packets are for (fib/cache.h). Outer sources are not part of the key: they are few, and known_sources has them. */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

static __always_inline struct ingress_set *ingress_set(const struct in6_addr *sid, const struct in6_addr *dest)
{
	const __u64 *x = (const void *)sid, *y = (const void *)dest;
	/* Each word by a factor of its own: a cloud's SIDs and addresses count up together. */
	__u64 key = x[0] + x[1] * 0xff51afd7ed558ccdULL + y[0] * 0xc4ceb9fe1a85ec53ULL + y[1] * 0xd6e8feb86659fd93ULL;
	__u32 index = memory_index(key, FLOW_SET_BITS);

	return bpf_map_lookup_elem(&ingress_flows, &index);
}

/* The interface of the port that an arrived packet is for; 0: nothing is remembered. */
static __always_inline __u32 recall_ingress(const struct ipv6hdr *outer, const struct inner *inner, __u64 epoch)
{
	struct ingress_set *set = ingress_set(&outer->daddr, &inner->dest);
	int i;

	if (!set || !epoch)
		return 0;
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		const struct ingress_flow *flow = &set->flows[i];

		if (flow->epoch == epoch && flow->family == inner->family && same_address(&flow->dest, &inner->dest) &&
		    same_address(&flow->sid, &outer->daddr))
			return flow->ifindex;
	}
	return 0;
}

static __always_inline void remember_ingress(const struct ipv6hdr *outer, const struct inner *inner, __u64 epoch, __u32 ifindex)
{
	struct ingress_set *set = ingress_set(&outer->daddr, &inner->dest);
	struct ingress_flow *flow;
	int i;

	if (!set || !epoch)
		return;
	flow = &set->flows[inner->hash & (FLOWS_A_SET - 1)];
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		if (set->flows[i].epoch != epoch) {
			flow = &set->flows[i];
			break;
		}
	}
	flow->epoch = epoch;
	copy_address(&flow->sid, &outer->daddr);
	copy_address(&flow->dest, &inner->dest);
	flow->family = inner->family;
	flow->ifindex = ifindex;
}
