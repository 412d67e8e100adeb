/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* An error on its way to a sender on another node, through the overlay. */
#pragma once
#include "icmp/error.h"
#include "srv6/encap.h"

/* The headers that go in front of a quote; the SRH has its place between the two. */
struct icmp_encap_frame {
	__u8 unused[2]; /* so that what follows the Ethernet header is aligned */
	struct ethhdr eth;
	struct ipv6hdr outer;
	union {
		struct error_inet inet;
		struct error_inet6 inet6;
	};
};

/*
 * Puts an error with its encapsulation in the place of the outer header.
 *
 * port: whose rule of code points holds; NULL: the error's own is copied
 */
static __noinline enum reason send_icmp_encap(struct __sk_buff *skb, struct quote *quote, const struct encap *encap,
					const struct port *port, __u32 mtu)
{
	struct reply_space *space = reply_space();
	struct inner *error;
	struct icmp_encap_frame *frame;
	const struct hop *hop;
	const struct node *node;
	struct way way;
	__u32 zero = 0, bytes, before, srh_bytes;
	__u8 protocol;

	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!space || !node || !encap)
		return DROP_NO_ROOM;
	frame = (struct icmp_encap_frame *)space->frame;
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
	write_outer_class(&frame->outer, &way, node, error, port ? outer_class(port, error) : error->traffic_class);
	write_error(&frame->inet, quote, mtu);
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
