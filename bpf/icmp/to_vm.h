/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Tells a port's VM that its packet could not go on. */
#pragma once
#include "fib/endpoint.h"
#include "gateway/select.h"
#include "icmp/error.h"
#include "metrics.h"
#include "srv6/encap.h"

/* The largest packet that goes from a port to another, or by an encapsulation; of several ways, the narrowest's. */
static __always_inline __u32 mtu_towards(const struct port *port, bool is_local, __u32 id)
{
	const struct underlay *underlay;
	const struct encap *encap;
	__u32 mtu = port->mtu, i;

	if (is_local) {
		const struct port *to = bpf_map_lookup_elem(&ports, &id);

		return to && to->mtu < mtu ? to->mtu : mtu;
	}
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return mtu;
	underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);
	if (!underlay)
		return mtu;
	for (i = 0; i < MAX_HOPS && i < underlay->count; i++) {
		__u32 bytes = encap_bytes(encap);

		if (underlay->hops[i].mtu > bytes && underlay->hops[i].mtu - bytes < mtu)
			mtu = underlay->hops[i].mtu - bytes;
	}
	return mtu;
}

/*
 * Sends an error back, in the place of the packet. IPv4's "don't fragment" is not asked for: nobody here would fragment it (the kernel's
 * seg6 sends what is too big to nobody), and a sender that is told does.
 *
 * The destination is looked up before the hop limit is checked, as Linux does (ip_route_input). Only ebpf mode answers for an address that nobody
 * has; else the kernel's unreachable route does.
 *
 * reason: PUNT_HOP_LIMIT, PUNT_TOO_BIG or PUNT_NO_MEMBER, given back where the packet is the kernel's to judge
 */
static __noinline enum reason tell_vm(struct __sk_buff *skb, const struct port *port, enum reason reason)
{
	const struct target *target;
	struct quote *quote;
	struct reply_space *space = reply_space();
	struct error_frame *frame;
	__u32 bytes, mtu = 0, id;

	if (!port || !space)
		return reason;
	quote = new_quote(space);
	quote->at = ETH_HLEN;
	quote->inner.family = skb->protocol == bpf_htons(ETH_P_IP) ? FAMILY_INET : FAMILY_INET6;
	if (!let_gateway_tell(quote, port))
		return reason;
	if (!read_quote(skb, quote))
		return suppressed_reason(reason);
	target = find_target(port->tenant, &quote->inner);
	if (!target && !alone)
		return reason;
	if (target && reason == PUNT_NO_MEMBER)
		return reason;
	if (!target)
		reason = PUNT_NO_MEMBER;
	id = target ? target->id : 0;
	/* Of nodes it has many ways to: that of this flow. */
	if (!target)
		mtu = NO_ROUTE;
	else if (target->kind == TARGET_STEERED)
		id = steered_encap(skb, &quote->inner, skb->ifindex, port->tenant, id, 0);
	else if (target->kind != TARGET_LOCAL && target->kind != TARGET_REMOTE)
		return reason;
	if (!within_limit(port->slot))
		return DROP_ERROR_RATE;
	if (reason == PUNT_TOO_BIG)
		mtu = mtu_towards(port, target && target->kind == TARGET_LOCAL, id);
	if (!cut_quote(skb, quote))
		return suppressed_reason(reason);
	bytes = error_bytes(quote);
	if (bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, 0))
		return DROP_NO_ROOM;
	frame = (struct error_frame *)space->frame;
	ethernet_back(&frame->eth, port, skb->protocol);
	write_error(&frame->inet, quote, mtu);
	if (quote->inner.family == FAMILY_INET)
		bytes = sizeof(struct ethhdr) + sizeof(struct error_inet);
	else
		bytes = sizeof(struct ethhdr) + sizeof(struct error_inet6);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, bytes, BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	if (mtu == NO_ROUTE)
		return ANSWER_UNREACHABLE;
	return reason == PUNT_HOP_LIMIT ? ANSWER_HOP_LIMIT : ANSWER_TOO_BIG;
}
