/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP of a network node: the fast path for flows in this CPU's cache. */
#pragma once
#include "ctx/xdp.h"
#include "fib/nn_flow_cache.h"
#include "net/ttl.h"
#include "nn/accounting.h"
#include "srv6/decap.h"
#include "srv6/encap.h"
#include "trace/trace.h"

/*
 * Forwards a packet of a flow in this CPU's cache: overwrites the outer header. Returns REASON_COUNT if the packet needs the slow path; the
 * packet is then unaltered and uncounted. A global function: the verifier checks it once, by itself.
 */
__noinline int nn_fast_forward(struct xdp_md *ctx, __u64 generation, __u64 policy_generation, __u32 *ifindex)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct nn_flow_entry *flow;
	struct decap_ctx decap;
	struct inner *inner = &decap.inner;
	struct encap_nexthop via = {};
	__u32 length, zero = 0;
	struct node *node;
	__u8 class;

	/* Not an argument: the verifier assumes that a global function writes to its arguments' memory, and this map is read-only. */
	node = bpf_map_lookup_elem(&sg_node, &zero);
	if (!node || !ifindex)
		return REASON_COUNT;
	force_stack(decap);
	if ((void *)(outer + 1) > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	if (decap_parse(ctx, &decap) != REASON_FORWARDED)
		return REASON_COUNT;
	/* The slow path sends ICMP errors, copies congestion marks and removes SRHs. */
	if (inner->hop_limit <= 1 || (decap.outer.class & 3) == 3 || decap.outer.bytes != sizeof(*outer))
		return REASON_COUNT;
	flow = nn_flow_cache_lookup(&outer->daddr, inner, generation, policy_generation);
	if (!flow)
		return REASON_COUNT;
	length = frame_packet_bytes(ctx, decap.outer.length) - sizeof(*outer);
	if (inner->length > length || length > flow->mtu)
		return REASON_COUNT;
	if (inner->protocol == IPPROTO_TCP) {
		__u8 *tcp = (__u8 *)(outer + 1) + (inner->family == FAMILY_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

		if ((void *)(tcp + 20) > data_end || !ct_tcp_fast(flow, inner, tcp))
			return REASON_COUNT;
	}
	if (is_traced()) {
		trace_decided(flow->peer, flow->policy, flow->place & 1 && inner->protocol == IPPROTO_TCP ? TRACE_REPLY : 0, EP_REMOTE, 0);
		trace_capture_slow(ctx);
	}
	if (inner->family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(outer + 1);

		if ((void *)(ip + 1) > data_end)
			return REASON_COUNT;
		ipv4_dec_ttl(ip);
	} else {
		struct ipv6hdr *ip6 = outer + 1;

		if ((void *)(ip6 + 1) > data_end)
			return REASON_COUNT;
		ip6->hop_limit--;
	}
	write_macs(data, flow->dest_mac);
	/* The DSCP of the arrived outer header and the ECN field of the inner packet (RFC 6040 section 4). */
	class = (decap.outer.class & 0xfc) | (inner->traffic_class & 3);
	via.first = &flow->first;
	inner->hash = flow->hash;
	write_outer_class(outer, &via, node, inner, class);
	count_policy(flow->policy, 0, 1, inner->length);
	count_zones(flow->from_slot, flow->peer_slot, 1, inner->length);
	*ifindex = flow->ifindex;
	return REASON_FORWARDED;
}
