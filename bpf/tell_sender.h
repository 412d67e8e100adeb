/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What arrived for a port of ours and could not be delivered: its sender, on another node, is told through the overlay. */
#pragma once
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "encap.h"
#include "error.h"
#include "events_tc.h"
#include "outer.h"
#include "stats.h"

#define TCX_NEXT (-1)

/* The headers that go in front of a quote; the SRH has its place between the two. */
struct told_frame {
	__u8 unused[2]; /* so that what follows the Ethernet header is aligned */
	struct ethhdr eth;
	struct ipv6hdr outer;
	union {
		struct error_inet inet;
		struct error_inet6 inet6;
	};
};

/* Reads an arrived packet again. False: it is none of those that are told of. */
static __always_inline bool read_told(struct __sk_buff *skb, struct quote *quote, __u32 *tenant, struct reply_space *space)
{
	struct ipv6hdr *outer = (struct ipv6hdr *)space->frame;
	const struct sid *sid;
	__u32 at = ETH_HLEN + sizeof(*outer);
	__u8 protocol, srh[2];

	if (bpf_skb_load_bytes(skb, ETH_HLEN, outer, sizeof(*outer)))
		return false;
	sid = bpf_map_lookup_elem(&sids, &outer->daddr);
	if (!sid)
		return false;
	*tenant = sid->tenant;
	protocol = outer->nexthdr;
	if (protocol == IPPROTO_ROUTING) {
		if (bpf_skb_load_bytes(skb, at, srh, sizeof(srh)))
			return false;
		protocol = srh[0];
		at += (srh[1] + 1) * 8;
	}
	quote->at = at;
	quote->inner.family = protocol == IPPROTO_IPIP ? FAMILY_INET : FAMILY_INET6;
	return true;
}

/* The way of an encapsulation that a packet takes; NULL while none is resolved. */
static __always_inline const struct hop *hop_of(const struct encap *encap, const struct inner *inner)
{
	const struct underlay *underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);

	return underlay ? choose_hop(underlay->hops, underlay->count, inner) : NULL;
}

/* Puts an error with its encapsulation in the place of the outer header. */
static __noinline enum reason send_told(struct __sk_buff *skb, struct quote *quote, const struct port *port,
					const struct encap *encap, __u32 mtu)
{
	struct reply_space *space = reply_space();
	struct inner *error;
	struct told_frame *frame;
	const struct hop *hop;
	const struct node *node;
	struct way way;
	__u32 zero = 0, bytes, before, srh_bytes;
	__u8 protocol;

	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!space || !node || !encap || !port)
		return DROP_NO_ROOM;
	frame = (struct told_frame *)space->frame;
	/* Nothing is summed any more. */
	error = (struct inner *)space->part;
	error->family = quote->inner.family;
	bytes = error_bytes(quote);
	srh_bytes = encap->srh_bytes;
	error->length = bytes + quote->bytes;
	error->hash = mix(fold(&quote->inner.source), fold(&quote->inner.dest));
	error->traffic_class = error->family == FAMILY_INET ? TOS_ERROR : 0;
	hop = hop_of(encap, error);
	if (!hop || srh_bytes > MAX_SRH_BYTES)
		return DROP_NO_ROOM;
	before = ETH_HLEN + sizeof(frame->outer) + srh_bytes + bytes;
	/* Without flags: what is outside is IPv6 before and after. */
	if (before != quote->at && bpf_skb_adjust_room(skb, (__s32)before - (__s32)quote->at, BPF_ADJ_ROOM_MAC, 0))
		return DROP_NO_ROOM;
	__builtin_memcpy(frame->eth.h_dest, hop->dest_mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, hop->source_mac, ETH_ALEN);
	frame->eth.h_proto = bpf_htons(ETH_P_IPV6);
	way.first = &encap->first;
	way.srh = encap;
	way.hop = hop;
	way.port = port;
	write_outer(&frame->outer, &way, node, error);
	write_error(&frame->inet, quote, port, mtu);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, ETH_HLEN + sizeof(frame->outer), BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	if (srh_bytes) {
		protocol = inner_protocol(error);
		if (bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(frame->outer), encap->srh, srh_bytes, BPF_F_RECOMPUTE_CSUM) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(frame->outer), &protocol, 1, BPF_F_RECOMPUTE_CSUM))
			return DROP_NO_ROOM;
	}
	bytes = error->family == FAMILY_INET ? sizeof(frame->inet) : sizeof(frame->inet6);
	if (bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(frame->outer) + srh_bytes, &frame->inet, bytes, BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	/* The uplink it leaves by; no interface has the number of a reason. */
	space->frame[0] = hop->ifindex;
	return mtu ? ANSWER_TOO_BIG : ANSWER_HOP_LIMIT;
}

/* reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG, given back where the packet is the kernel's to judge */
static __noinline enum reason tell_sender(struct __sk_buff *skb, enum reason reason)
{
	struct reply_space *space = reply_space();
	const struct target *target;
	const struct encap *encap;
	const struct port *port;
	struct quote *quote;
	__u32 tenant, id;

	if (!space)
		return reason;
	quote = new_quote(space);
	if (!read_told(skb, quote, &tenant, space))
		return reason;
	if (!read_quote(skb, quote))
		return untold(reason);
	target = find_target(tenant, &quote->inner);
	if (!target || target->kind != TARGET_LOCAL)
		return reason;
	id = target->id;
	port = bpf_map_lookup_elem(&ports, &id);
	if (!port || !has_gateway(port, quote->inner.family))
		return reason;
	/* Where the sender is: it takes the destination's place for the look-up. */
	*(struct in6_addr *)space->frame = quote->inner.dest;
	quote->inner.dest = quote->inner.source;
	target = find_target(tenant, &quote->inner);
	quote->inner.dest = *(struct in6_addr *)space->frame;
	/* A sender that is here would not have come by the uplink. */
	if (!target || target->kind != TARGET_REMOTE)
		return untold(reason);
	id = target->id;
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return reason;
	/* Asked again when the packet is no longer whole. */
	if (!hop_of(encap, &quote->inner))
		return PUNT_UNRESOLVED;
	if (!within_limit(port->slot))
		return DROP_ERROR_RATE;
	if (!cut_quote(skb, quote))
		return untold(reason);
	return send_told(skb, quote, port, encap, reason == PUNT_TOO_BIG ? port->mtu : 0);
}

/* The end of what an uplink's program does not deliver; see aside.h. */
__noinline int aside(struct __sk_buff *skb, __u32 reason)
{
	struct reply_space *space = reply_space();

	if (reason == PUNT_HOP_LIMIT || reason == PUNT_TOO_BIG) {
		keep(skb);
		reason = tell_sender(skb, reason);
	}
	count_reason(reason);
	if (is_answer(reason) && space) {
		seen(skb, reason, space->frame[0], HOOK_UPLINK);
		return bpf_redirect(space->frame[0], 0);
	}
	seen(skb, reason, 0, HOOK_UPLINK);
	return ends(reason) ? TC_ACT_SHOT : TCX_NEXT;
}
