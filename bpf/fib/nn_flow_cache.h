/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Network nodes: a per-CPU cache of forwarded flows (fib/cache.h). A hit avoids every lookup whose cost grows with table size. Entries expire
 * after 256 jiffies, so that the slow path refreshes the connection, and when policies or maps change. Only flows whose ports were parsed and whose
 * connection is established are cached; packets that change a connection's state take the slow path.
 */
#pragma once
#include "fib/cache.h"
#include "maps/nn_scratch.h"
#include "maps/nn_xdp_maps.h"
#include "net/time.h"
#include "state/conntrack_tcp.h"

/* Whether a TCP packet opens, closes or resets its connection. */
static __always_inline bool changes_state(const struct inner *inner)
{
	return inner->protocol == IPPROTO_TCP && inner->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST);
}

static __always_inline struct nn_flow_set *nn_flow_cache_set(const struct in6_addr *sid, const struct inner *inner)
{
	const __u64 *x = (const void *)sid, *y = (const void *)&inner->source, *z = (const void *)&inner->dest;
	__u64 key = x[0] + x[1] * 0xff51afd7ed558ccdULL + (y[0] ^ inner->ports) * 0xc4ceb9fe1a85ec53ULL + y[1] * 0xd6e8feb86659fd93ULL;
	__u32 index = cache_index(key + z[0] * 0x94d049bb133111ebULL + z[1] * 0xbf58476d1ce4e5b9ULL, NN_FLOW_CACHE_BITS);

	return bpf_map_lookup_elem(&sg_nn_cache, &index);
}

static __always_inline struct nn_flow_entry *nn_flow_cache_lookup(const struct in6_addr *sid, const struct inner *inner, __u64 generation,
								  __u64 policy_generation)
{
	struct nn_flow_set *set;
	__u32 now;
	int i;

	if (!generation || !inner->ports || changes_state(inner))
		return NULL;
	set = nn_flow_cache_set(sid, inner);
	if (!set)
		return NULL;
	now = coarse_jiffies();
#pragma unroll
	for (i = 0; i < CACHE_WAYS; i++) {
		struct nn_flow_entry *flow = &set->flows[i];

		if (flow->generation == generation && flow->ports == inner->ports && flow->seen == now &&
		    flow->policy_generation == policy_generation && flow->protocol == inner->protocol && flow->family == inner->family &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source) && same_address(&flow->sid, sid))
			return flow;
	}
	return NULL;
}

/* Before a TCP packet takes the slow path: writes this CPU's copy of its direction back to the connection. */
static __noinline int nn_flow_cache_write_back(const struct in6_addr *sid, const struct inner *inner)
{
	struct nn_flow_set *set = nn_flow_cache_set(sid, inner);
	int i;

	if (!set || !inner->ports)
		return 0;
	for (i = 0; i < CACHE_WAYS; i++) {
		struct nn_flow_entry *flow = &set->flows[i];

		if (flow->ports == inner->ports && ct_tcp_is_ahead(flow) && same_address(&flow->dest, &inner->dest) &&
		    same_address(&flow->source, &inner->source) && same_address(&flow->sid, sid))
			ct_tcp_write_back(flow);
	}
	return 0;
}

/* Caches a flow to an encapsulation without an SRH. generation, policy_generation: as they were before the first lookup. hop: that the flow takes */
static __always_inline void nn_flow_cache_insert(const struct in6_addr *sid, const struct inner *inner, const struct nn_verdict *verdict,
						 __u64 generation, __u64 policy_generation, __u32 hash, const struct encap *encap,
						 const struct nexthop *hop)
{
	__u32 mtu = hop->mtu - sizeof(struct ipv6hdr);
	struct nn_flow_entry *flow;
	struct nn_flow_set *set;
	__u32 now;
	int i;

	if (!generation || !inner->ports || changes_state(inner) || !verdict->cacheable)
		return;
	set = nn_flow_cache_set(sid, inner);
	if (!set)
		return;
	now = coarse_jiffies();
	flow = &set->flows[(hash >> 16) & (CACHE_WAYS - 1)];
#pragma unroll
	for (i = CACHE_WAYS - 1; i >= 0; i--) {
		if (set->flows[i].generation != generation || set->flows[i].seen != now)
			flow = &set->flows[i];
	}
	if (ct_tcp_is_ahead(flow))
		ct_tcp_write_back(flow);
	flow->generation = generation;
	flow->policy_generation = policy_generation;
	copy_address(&flow->sid, sid);
	copy_address(&flow->source, &inner->source);
	copy_address(&flow->dest, &inner->dest);
	flow->ports = inner->ports;
	flow->seen = now;
	flow->hash = hash;
	flow->from_slot = verdict->from.slot;
	flow->peer_slot = verdict->peer_slot;
	flow->peer = verdict->peer;
	flow->policy = verdict->policy;
	copy_address(&flow->first, &encap->first);
	flow->ifindex = hop->ifindex;
	__builtin_memcpy(flow->dest_mac, hop->dest_mac, 2 * ETH_ALEN);
	flow->mtu = verdict->peer_mtu && verdict->peer_mtu < mtu ? verdict->peer_mtu : mtu;
	flow->family = inner->family;
	flow->protocol = inner->protocol;
	flow->place = verdict->place << 1 | verdict->is_reply;
	if (inner->protocol == IPPROTO_TCP)
		ct_tcp_copy(flow);
}
