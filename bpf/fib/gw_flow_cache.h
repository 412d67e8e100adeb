/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Hypervisors: what a CPU remembers of flows by way of network nodes (fib/cache.h says how). It holds for a moment: after that, the long way says
 * in flow_nodes that the flow is in use. Of a flow whose ports were read, and not of what opens a connection.
 */
#pragma once
#include "fib/flow_cache.h"
#include "maps/gateway_cache_maps.h"
#include "net/time.h"

/* The tenants of this node have gateways. Set before loading: without it nothing of this is in the programs. */
const volatile bool use_gateways = false;

static __always_inline struct epoch *epoch_entry(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&epochs, &zero);
}

static __always_inline __u32 follows_now(void)
{
	struct epoch *epoch = epoch_entry();

	return epoch ? *(volatile __u32 *)&epoch->follows : 0;
}

/* A flow of this node has another network node. */
static __always_inline void forget_followed(void)
{
	struct epoch *epoch = epoch_entry();

	if (epoch)
		__sync_fetch_and_add(&epoch->follows, 1);
}

static __always_inline struct egress_set *steered_set(const struct inner *inner, __u32 ifindex)
{
	__u32 index = memory_index(inner->hash ^ ((__u64)ifindex << 32), FLOW_SET_BITS);

	return bpf_map_lookup_elem(&egress_flows, &index);
}

/* The encapsulation towards its network node that a flow took this moment; 0: nothing is remembered. */
static __always_inline __u32 recall_steered(const struct inner *inner, __u32 ifindex, __u64 epoch)
{
	struct egress_set *set;
	__u32 now, follows;
	int i;

	if (!use_gateways || !epoch || !inner->ports || is_syn(inner))
		return 0;
	set = steered_set(inner, ifindex);
	if (!set)
		return 0;
	now = moment_now();
	follows = follows_now();
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		const struct egress_flow *flow = &set->flows[i];

		if (flow->epoch == epoch && flow->ports == inner->ports && flow->seen == now && flow->follows == follows &&
		    flow->protocol == inner->protocol && flow->ifindex == ifindex && flow->family == inner->family &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source))
			return flow->encap;
	}
	return 0;
}

/* follows: what it was before the flow was looked up */
static __always_inline void remember_steered(const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 follows, __u32 encap)
{
	struct egress_set *set;
	struct egress_flow *flow;
	__u32 now;
	int i;

	if (!use_gateways || !epoch || !inner->ports || is_syn(inner))
		return;
	set = steered_set(inner, ifindex);
	if (!set)
		return;
	now = moment_now();
	flow = egress_place(set, inner->hash, epoch);
	/* In the place of one of another moment, before any other's. */
#pragma unroll
	for (i = FLOWS_A_SET - 1; i >= 0; i--) {
		if (set->flows[i].ports && set->flows[i].seen != now)
			flow = &set->flows[i];
	}
	write_egress(flow, inner, ifindex, epoch, encap);
	flow->ports = inner->ports;
	flow->protocol = inner->protocol;
	flow->seen = now;
	flow->follows = follows;
}

static __always_inline struct followed_set *followed_set(const struct inner *inner, __u32 tenant)
{
	__u32 index = memory_index(inner->hash ^ ((__u64)tenant << 32), FOLLOWED_SET_BITS);

	return bpf_map_lookup_elem(&followed_flows, &index);
}

/* Has the network node with this outer source brought a packet of the flow this moment? */
static __always_inline bool is_followed(const struct inner *inner, const struct in6_addr *outer_source, __u32 tenant, __u64 epoch)
{
	struct followed_set *set = inner->ports && epoch ? followed_set(inner, tenant) : NULL;
	__u32 now, follows;
	int i;

	if (!set)
		return false;
	now = moment_now();
	follows = follows_now();
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		const struct followed_flow *flow = &set->flows[i];

		if (flow->epoch == epoch && flow->ports == inner->ports && flow->seen == now && flow->follows == follows &&
		    flow->protocol == inner->protocol && flow->tenant == tenant && flow->family == inner->family &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source) &&
		    same_address(&flow->outer_source, outer_source))
			return true;
	}
	return false;
}

static __always_inline void remember_followed(const struct inner *inner, const struct in6_addr *outer_source, __u32 tenant, __u64 epoch)
{
	struct followed_set *set = inner->ports && epoch ? followed_set(inner, tenant) : NULL;
	struct followed_flow *flow;
	__u32 now;
	int i;

	if (!set)
		return;
	now = moment_now();
	flow = &set->flows[(inner->hash >> 16) & (FLOWS_A_SET - 1)];
#pragma unroll
	for (i = FLOWS_A_SET - 1; i >= 0; i--) {
		if (set->flows[i].epoch != epoch || set->flows[i].seen != now)
			flow = &set->flows[i];
	}
	flow->epoch = epoch;
	copy_address(&flow->source, &inner->source);
	copy_address(&flow->dest, &inner->dest);
	copy_address(&flow->outer_source, outer_source);
	flow->ports = inner->ports;
	flow->tenant = tenant;
	flow->seen = now;
	flow->follows = follows_now();
	flow->family = inner->family;
	flow->protocol = inner->protocol;
}
