/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors to a sender on another node, encapsulated. */
#pragma once
#include "icmp/error.h"
#include "srv6/encap.h"

/* The headers in front of the original datagram. The SRH goes between the outer one and the error. */
struct icmp_encap_frame {
	__u8 unused[2]; /* so that what follows the Ethernet header is aligned */
	struct ethhdr eth;
	struct ipv6hdr outer;
	union {
		struct icmp4_error inet;
		struct icmp6_error inet6;
	};
};

/*
 * Replaces the outer header by that of an encapsulated ICMP error.
 *
 * port: its `dscp` sets the outer code point; NULL: the error's own is copied
 */
static __noinline enum reason send_icmp_encap(struct __sk_buff *skb, struct orig_dgram *orig, const struct encap *encap, const struct port *port,
					      __u32 mtu)
{
	struct reply_buf *space = reply_buf();
	struct inner *error;
	struct icmp_encap_frame *frame;
	const struct nexthop *hop;
	const struct node *node;
	struct encap_nexthop via;
	__u32 zero = 0, bytes, before, srh_bytes;
	__u8 protocol;

	node = bpf_map_lookup_elem(&sg_node, &zero);
	if (!space || !node || !encap)
		return DROP_NO_ROOM;
	frame = (struct icmp_encap_frame *)space->frame;
	/* The checksum is complete, so space->part is free. */
	error = (struct inner *)space->part;
	error->family = orig->inner.family;
	bytes = icmp_error_bytes(orig);
	srh_bytes = encap->srh_bytes;
	error->length = bytes + orig->bytes;
	error->hash = hash_mix64(hash_in6(&orig->inner.source), hash_in6(&orig->inner.dest));
	error->traffic_class = error->family == FAMILY_INET ? TOS_ERROR : 0;
	hop = nexthop_of(encap, error);
	if (!hop || srh_bytes > MAX_SRH_BYTES)
		return DROP_NO_ROOM;
	before = ETH_HLEN + sizeof(frame->outer) + srh_bytes + bytes;
	/* No flags: the outermost header is IPv6 before and after. */
	if (before != orig->at && bpf_skb_adjust_room(skb, (__s32)before - (__s32)orig->at, BPF_ADJ_ROOM_MAC, 0))
		return DROP_NO_ROOM;
	__builtin_memcpy(frame->eth.h_dest, hop->dest_mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, hop->source_mac, ETH_ALEN);
	frame->eth.h_proto = bpf_htons(ETH_P_IPV6);
	via.first = &encap->first;
	via.srh = encap;
	via.hop = hop;
	write_outer_class(&frame->outer, &via, node, error, port ? outer_class(port, error) : error->traffic_class);
	write_icmp_error(&frame->inet, orig, mtu);
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
	/* The egress interface, for the caller to redirect to. */
	space->frame[0] = hop->ifindex;
	return mtu ? ANSWER_TOO_BIG : ANSWER_HOP_LIMIT;
}
