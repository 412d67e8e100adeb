/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors to a port's VM. */
#pragma once
#include "fib/endpoint.h"
#include "gateway/select.h"
#include "icmp/error.h"
#include "metrics.h"
#include "srv6/encap.h"

/* The largest packet that fits from a port to another one, or by an encapsulation. Of several next hops, the smallest MTU counts. */
static __always_inline __u32 mtu_towards(const struct port *port, bool is_local, __u32 id)
{
	const struct nexthop_group *nexthop_group;
	const struct encap *encap;
	__u32 mtu = port->mtu, i;

	if (is_local) {
		const struct port *to = bpf_map_lookup_elem(&sg_ports, &id);

		return to && to->mtu < mtu ? to->mtu : mtu;
	}
	encap = bpf_map_lookup_elem(&sg_encaps, &id);
	if (!encap)
		return mtu;
	nexthop_group = bpf_map_lookup_elem(&sg_nh_groups, &encap->nexthop_group);
	if (!nexthop_group)
		return mtu;
	for (i = 0; i < MAX_NEXTHOPS && i < nexthop_group->count; i++) {
		__u32 bytes = encap_bytes(encap);

		if (nexthop_group->hops[i].mtu > bytes && nexthop_group->hops[i].mtu - bytes < mtu)
			mtu = nexthop_group->hops[i].mtu - bytes;
	}
	return mtu;
}

/*
 * Replaces the packet by an ICMP error to its sender. IPv4's "don't fragment" bit does not matter: this node never fragments (the kernel's seg6
 * drops packets that are too big), and a sender that gets the error sends smaller packets.
 *
 * The destination is looked up before the hop limit is checked, as in Linux (ip_route_input). Only ebpf mode sends an error for an address without
 * an endpoint; otherwise the kernel's unreachable route does.
 *
 * reason: PUNT_HOP_LIMIT, PUNT_TOO_BIG or PUNT_NO_MEMBER; returned if the packet is left to the kernel
 */
static __noinline enum reason icmp_error_to_vm(struct __sk_buff *skb, const struct port *port, enum reason reason)
{
	const struct endpoint *endpoint;
	struct orig_dgram *orig;
	struct reply_buf *space = reply_buf();
	struct icmp_error_frame *frame;
	__u32 bytes, mtu = 0, id;

	if (!port || !space)
		return reason;
	orig = init_orig_dgram(space);
	orig->at = ETH_HLEN;
	orig->inner.family = skb->protocol == bpf_htons(ETH_P_IP) ? FAMILY_INET : FAMILY_INET6;
	if (!set_icmp_src_port(orig, port))
		return reason;
	if (!parse_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	endpoint = lookup_endpoint(port->tenant, &orig->inner);
	if (!endpoint && !no_kernel_fallback)
		return reason;
	if (endpoint && reason == PUNT_NO_MEMBER)
		return reason;
	if (!endpoint)
		reason = PUNT_NO_MEMBER;
	id = endpoint ? endpoint->id : 0;
	/* Behind a gateway, the encapsulation towards this flow's network node decides. */
	if (!endpoint)
		mtu = NO_ROUTE;
	else if (endpoint->type == EP_VIA_GATEWAY)
		id = gateway_encap(skb, &orig->inner, skb->ifindex, port->tenant, id, 0);
	else if (endpoint->type != EP_LOCAL && endpoint->type != EP_REMOTE)
		return reason;
	if (!icmp_ratelimit_take(port->slot))
		return DROP_ERROR_RATE;
	if (reason == PUNT_TOO_BIG)
		mtu = mtu_towards(port, endpoint && endpoint->type == EP_LOCAL, id);
	if (!trim_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	bytes = icmp_error_bytes(orig);
	if (bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, 0))
		return DROP_NO_ROOM;
	frame = (struct icmp_error_frame *)space->frame;
	set_reply_eth(&frame->eth, port, skb->protocol);
	write_icmp_error(&frame->inet, orig, mtu);
	if (orig->inner.family == FAMILY_INET)
		bytes = sizeof(struct ethhdr) + sizeof(struct icmp4_error);
	else
		bytes = sizeof(struct ethhdr) + sizeof(struct icmp6_error);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, bytes, BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	if (mtu == NO_ROUTE)
		return ANSWER_UNREACHABLE;
	return reason == PUNT_HOP_LIMIT ? ANSWER_HOP_LIMIT : ANSWER_TOO_BIG;
}
