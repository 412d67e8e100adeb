/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets a network node cannot forward: send an ICMP error if allowed, then drop. There is no kernel fallback here. */
#pragma once
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "icmp/to_remote.h"
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"
#include "metrics.h"
#include "trace/trace.h"

/* The drop reason for a packet that a hypervisor would leave to its kernel. */
static __always_inline enum reason punt_to_drop(enum reason reason)
{
	switch (reason) {
	case PUNT_NO_MEMBER:
		return DROP_NO_MEMBER;
	case PUNT_HOP_LIMIT:
		return DROP_HOP_LIMIT;
	case PUNT_TOO_BIG:
		return DROP_TOO_BIG;
	case PUNT_UNRESOLVED:
		return DROP_UNRESOLVED;
	case PUNT_SEGMENTS:
		return DROP_SEGMENTS;
	case PUNT_NO_ROOM:
		return DROP_NO_ROOM;
	case PUNT_NO_OFFLOAD:
		return DROP_NO_OFFLOAD;
	default:
		return reason;
	}
}

/* The error's source is the gateway of the sender's subnet; towards an external network, this node's address there. Returns false if there is no such
 * address. */
static __always_inline bool set_icmp_src_zone(struct orig_dgram *orig, __u32 zone)
{
	struct prefix_key key = {
		.length = 64 + (orig->inner.family == FAMILY_INET ? 32 : 128),
		.tenant = zone,
		.family = orig->inner.family,
		.address = orig->inner.source,
	};
	struct icmp_src *gateway = bpf_map_lookup_elem(&sg_icmp_src_lpm, &key);

	if (!gateway)
		return false;
	orig->icmp_src = gateway->address;
	return true;
}

/* Replaces all headers before the original datagram by those of an ICMP error. macs: destination and source */
static __noinline enum reason send_icmp_plain(struct __sk_buff *skb, struct orig_dgram *orig, const __u8 *macs, __u32 ifindex, __u32 mtu)
{
	struct reply_buf *space = reply_buf();
	bool is_inet = orig->inner.family == FAMILY_INET;
	struct icmp_error_frame *frame;
	__s32 room = ETH_HLEN + icmp_error_bytes(orig) - orig->at;

	if (!space || !macs)
		return DROP_NO_ROOM;
	frame = (struct icmp_error_frame *)space->frame;
	if (room && bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, is_inet && room < 0 ? ADJ_ROOM_DECAP_L3_IPV4 : 0))
		return DROP_NO_ROOM;
	__builtin_memcpy(frame->eth.h_dest, macs, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, macs + ETH_ALEN, ETH_ALEN);
	frame->eth.h_proto = is_inet ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	write_icmp_error(&frame->inet, orig, mtu);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, ETH_HLEN + (is_inet ? sizeof(frame->inet) : sizeof(frame->inet6)), BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	space->frame[0] = ifindex;
	return mtu ? ANSWER_TOO_BIG : ANSWER_HOP_LIMIT;
}

/* The endpoint of the datagram's sender in a tenant; NULL: none. */
static __always_inline const struct endpoint *lookup_sender(const struct orig_dgram *orig, __u32 zone, struct reply_buf *space)
{
	struct inner *back = (struct inner *)space->part;

	back->family = orig->inner.family;
	back->dest = orig->inner.source;
	return lookup_endpoint(zone, back);
}

/*
 * Sends an ICMP error for a packet that the network node could not forward. `scratch` has its offset in the frame, and the MTU that it exceeds.
 *
 * reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG
 */
static __noinline enum reason icmp_error_from_nn(struct __sk_buff *skb, struct nn_buf *scratch, enum reason reason)
{
	struct reply_buf *space = reply_buf();
	const struct encap *encap = NULL;
	const struct port *port = NULL;
	const struct endpoint *endpoint;
	struct orig_dgram *orig;
	__u32 zone, id, mtu;
	__u8 macs[2 * ETH_ALEN];

	if (!space || !scratch)
		return suppressed_reason(reason);
	zone = scratch->verdict.from.id;
	mtu = reason == PUNT_TOO_BIG ? scratch->mtu : 0;
	orig = init_orig_dgram(space);
	orig->at = scratch->at;
	orig->inner.family = scratch->packet.inner.family;
	if (!parse_orig_dgram(skb, orig) || !set_icmp_src_zone(orig, zone))
		return suppressed_reason(reason);
	if (zone >= EXTERNAL_ZONE) {
		id = skb->ifindex;
		if (bpf_skb_load_bytes(skb, 0, macs + ETH_ALEN, ETH_ALEN) || bpf_skb_load_bytes(skb, ETH_ALEN, macs, ETH_ALEN))
			return suppressed_reason(reason);
	} else {
		endpoint = lookup_sender(orig, zone, space);
		if (!endpoint)
			return suppressed_reason(reason);
		id = endpoint->id;
		if (endpoint->type == EP_REMOTE)
			encap = bpf_map_lookup_elem(&sg_encaps, &id);
		else if (endpoint->type == EP_LOCAL)
			port = bpf_map_lookup_elem(&sg_ports, &id);
		if (port)
			__builtin_memcpy(macs, port->vm_mac, sizeof(macs));
		else if (!encap || !nexthop_of(encap, &orig->inner))
			return suppressed_reason(reason);
	}
	if (!icmp_ratelimit_take(scratch->verdict.from.slot))
		return DROP_ERROR_RATE;
	if (!trim_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	if (encap)
		return send_icmp_encap(skb, orig, encap, NULL, mtu);
	return send_icmp_plain(skb, orig, macs, id, mtu);
}

/* Ends a network node's program for packets that it does not forward. */
__noinline int nn_exception(struct __sk_buff *skb, __u32 reason, __u32 hook)
{
	struct reply_buf *space = reply_buf();
	__u32 zero = 0;

	if (reason == PUNT_HOP_LIMIT || reason == PUNT_TOO_BIG) {
		trace_capture(skb);
		reason = icmp_error_from_nn(skb, bpf_map_lookup_elem(&sg_nn_buf, &zero), reason);
	}
	reason = punt_to_drop(reason);
	count_verdict(reason);
	if (is_reply_reason(reason) && space) {
		trace_verdict(skb, reason, space->frame[0], hook);
		return bpf_redirect(space->frame[0], 0);
	}
	trace_verdict(skb, reason, 0, hook);
	return TC_ACT_SHOT;
}
