/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What lookups found is remembered for a flow's next packets: a hash lookup costs 25 to 35 ns, and a packet takes up to five. All that
 * decides is in the key or looked at again: what the guard said of these addresses is the same until a map changes, which is another
 * epoch. Only what is forwarded to or from another node is remembered. A CPU reads and writes its own entries alone, and programs run
 * with softirqs off: none is interrupted by another at its place. */
#pragma once
#include "encap.h"
#include "guard.h"
#include "outer.h"

static __always_inline __u64 epoch_now(void)
{
	__u32 zero = 0;
	struct epoch *epoch = bpf_map_lookup_elem(&epochs, &zero);

	return epoch ? *(volatile __u64 *)&epoch->number : 0;
}

static __always_inline bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

/* Where this CPU has it. */
static __always_inline __u32 flow_index(__u64 key)
{
	return (bpf_get_smp_processor_id() << FLOW_BITS) | (key * 0x9e3779b97f4a7c15ULL >> (64 - FLOW_BITS));
}

static __always_inline __u32 egress_index(const struct inner *inner, __u32 ifindex)
{
	return flow_index(inner->pair ^ ifindex);
}

/* What is remembered of a VM's packet, which is read into inner; NULL: nothing, or the packet is one to look at more closely. */
static __always_inline struct egress_flow *find_egress(void *data, void *data_end, __u32 ifindex, __u64 epoch, struct inner *inner)
{
	struct ethhdr *eth = data;
	struct egress_flow *flow;
	enum reason reason;
	__u32 index;

	if (!epoch || (void *)(eth + 1) > data_end)
		return NULL;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		reason = read_inet(inner, (struct iphdr *)(eth + 1), data_end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		reason = read_inet6(inner, (struct ipv6hdr *)(eth + 1), data_end);
	else
		return NULL;
	if (reason != REASON_FORWARDED || inner->hop_limit <= 1 || is_syn(inner))
		return NULL;
	index = egress_index(inner, ifindex);
	flow = bpf_map_lookup_elem(&egress_flows, &index);
	if (!flow || flow->epoch != epoch || flow->ifindex != ifindex || flow->family != inner->family)
		return NULL;
	if (!same_address(&flow->source, &inner->source) || !same_address(&flow->dest, &inner->dest))
		return NULL;
	if (!same_mac(eth->h_source, flow->port.vm_mac) || !same_mac(eth->h_dest, flow->port.own_mac))
		return NULL;
	return flow;
}

/* The way a remembered flow takes; false: it is to be looked up again. */
static __always_inline bool recall(struct egress_flow *flow, const struct inner *inner, struct way *way)
{
	way->first = &flow->first;
	way->port = &flow->port;
	way->hop = &flow->hop;
	way->srh = NULL;
	if (flow->underlay) {
		way->hop = choose_hop(bpf_map_lookup_elem(&underlays, &flow->underlay), inner);
		if (!way->hop)
			return false;
	}
	if (flow->encap) {
		way->srh = bpf_map_lookup_elem(&encaps, &flow->encap);
		if (!way->srh)
			return false;
	}
	return true;
}

/* epoch: what it was before the first lookup. */
static __always_inline void remember_egress(const struct inner *inner, __u32 ifindex, __u64 epoch, const struct port *port,
					    __u32 id, const struct encap *encap, const struct underlay *underlay)
{
	__u32 index = egress_index(inner, ifindex);
	struct egress_flow *flow = bpf_map_lookup_elem(&egress_flows, &index);

	if (!epoch || !flow)
		return;
	flow->epoch = epoch;
	flow->source = inner->source;
	flow->dest = inner->dest;
	flow->ifindex = ifindex;
	flow->family = inner->family;
	flow->first = encap->first;
	flow->encap = encap->srh_bytes ? id : 0;
	flow->underlay = underlay->count > 1 ? encap->underlay : 0;
	flow->hop = underlay->hops[0];
	flow->port = *port;
}

/* The way to a target on another node, as the maps have it now. */
static __always_inline enum reason find_way(const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 id, const struct port *port,
					    struct way *way)
{
	const struct encap *encap = bpf_map_lookup_elem(&encaps, &id);
	const struct underlay *underlay;

	if (!encap)
		return PUNT_NO_MEMBER;
	underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);
	way->hop = choose_hop(underlay, inner);
	if (!way->hop)
		return PUNT_UNRESOLVED;
	way->first = &encap->first;
	way->srh = encap;
	way->port = port;
	remember_egress(inner, ifindex, epoch, port, id, encap, underlay);
	return REASON_FORWARDED;
}

static __always_inline __u32 ingress_index(const struct in6_addr *sid, const struct in6_addr *dest)
{
	const __u64 *x = (const void *)sid, *y = (const void *)dest;

	return flow_index(x[0] ^ (x[1] << 32) ^ y[0] ^ y[1]);
}

/* What is remembered of an arrived packet. REASON_COUNT: nothing, or the packet is one to look at more closely. */
static __always_inline enum reason find_arrival(struct arrival *arrival, void *data, void *data_end, __u64 epoch)
{
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct inner *inner = &arrival->inner;
	struct ethhdr *eth = data;
	struct ingress_flow *flow;
	enum reason reason;
	__u32 index;

	if (!epoch || (void *)(outer + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	if (outer->nexthdr == IPPROTO_IPIP)
		reason = read_inet(inner, (void *)(outer + 1), data_end);
	else if (outer->nexthdr == IPPROTO_IPV6)
		reason = read_inet6(inner, (void *)(outer + 1), data_end);
	else
		return REASON_COUNT;
	if (reason != REASON_FORWARDED || inner->hop_limit <= 1)
		return REASON_COUNT;
	index = ingress_index(&outer->daddr, &inner->dest);
	flow = bpf_map_lookup_elem(&ingress_flows, &index);
	if (!flow || flow->epoch != epoch || flow->family != inner->family || !same_address(&flow->sid, &outer->daddr) ||
	    !same_address(&flow->dest, &inner->dest))
		return REASON_COUNT;
	arrival->outer_class = (outer->priority << 4) | (outer->flow_lbl[0] >> 4);
	arrival->outer_bytes = sizeof(*outer);
	arrival->ifindex = flow->ifindex;
	arrival->port = &flow->port;
	return REASON_FORWARDED;
}

/* epoch: what it was before the first lookup. Called before the outer header goes. */
static __always_inline void remember_arrival(const struct arrival *arrival, void *data, void *data_end, __u64 epoch)
{
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct ingress_flow *flow;
	__u32 index;

	if (!epoch || (void *)(outer + 1) > data_end)
		return;
	index = ingress_index(&outer->daddr, &arrival->inner.dest);
	flow = bpf_map_lookup_elem(&ingress_flows, &index);
	if (!flow)
		return;
	flow->epoch = epoch;
	flow->sid = outer->daddr;
	flow->dest = arrival->inner.dest;
	flow->family = arrival->inner.family;
	flow->ifindex = arrival->ifindex;
	flow->port = *arrival->port;
}
