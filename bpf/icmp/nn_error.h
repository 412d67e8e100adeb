/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What cannot go on at a network node: its sender is told, or nobody. Nothing is beneath, so all of it ends here. */
#pragma once
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "icmp/to_remote.h"
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"
#include "metrics.h"
#include "trace/trace.h"

/* A hypervisor's kernel would have had it; here it is dropped. */
static __always_inline enum reason refused(enum reason reason)
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

/* The gateway of the sender's subnet tells; to an external network the node's own address there. False: there is none. */
static __always_inline bool let_zone_tell(struct quote *quote, __u32 zone)
{
	struct prefix_key key = {
		.length = 64 + (quote->inner.family == FAMILY_INET ? 32 : 128),
		.tenant = zone,
		.family = quote->inner.family,
		.address = quote->inner.source,
	};
	struct zone_gateway *gateway = bpf_map_lookup_elem(&zone_gateways, &key);

	if (!gateway)
		return false;
	quote->teller = gateway->address;
	return true;
}

/* Puts an error in the place of all that is before its quote. macs: destination and source */
static __noinline enum reason send_plain(struct __sk_buff *skb, struct quote *quote, const __u8 *macs, __u32 ifindex, __u32 mtu)
{
	struct reply_space *space = reply_space();
	bool is_inet = quote->inner.family == FAMILY_INET;
	struct error_frame *frame;
	__s32 room = ETH_HLEN + error_bytes(quote) - quote->at;

	if (!space || !macs)
		return DROP_NO_ROOM;
	frame = (struct error_frame *)space->frame;
	if (room && bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, is_inet && room < 0 ? ADJ_ROOM_DECAP_L3_IPV4 : 0))
		return DROP_NO_ROOM;
	__builtin_memcpy(frame->eth.h_dest, macs, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, macs + ETH_ALEN, ETH_ALEN);
	frame->eth.h_proto = is_inet ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	write_error(&frame->inet, quote, mtu);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, ETH_HLEN + (is_inet ? sizeof(frame->inet) : sizeof(frame->inet6)),
				BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	space->frame[0] = ifindex;
	return mtu ? ANSWER_TOO_BIG : ANSWER_HOP_LIMIT;
}

/* Where a tenant's sender is; NULL: nowhere. */
static __always_inline const struct target *find_sender(const struct quote *quote, __u32 zone, struct reply_space *space)
{
	struct inner *back = (struct inner *)space->part;

	back->family = quote->inner.family;
	back->dest = quote->inner.source;
	return find_target(zone, back);
}

/*
 * Tells the sender of a packet that a network node could not send on; scratch says where in the frame it is, and what it was too big for.
 *
 * reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG
 */
static __noinline enum reason tell_zone(struct __sk_buff *skb, struct steer_scratch *scratch, enum reason reason)
{
	struct reply_space *space = reply_space();
	const struct encap *encap = NULL;
	const struct port *port = NULL;
	const struct target *target;
	struct quote *quote;
	__u32 zone, id, mtu;
	__u8 macs[2 * ETH_ALEN];

	if (!space || !scratch)
		return suppressed_reason(reason);
	zone = scratch->passage.from.id;
	mtu = reason == PUNT_TOO_BIG ? scratch->mtu : 0;
	quote = new_quote(space);
	quote->at = scratch->at;
	quote->inner.family = scratch->packet.inner.family;
	if (!read_quote(skb, quote) || !let_zone_tell(quote, zone))
		return suppressed_reason(reason);
	if (zone >= EXTERNAL_ZONE) {
		id = skb->ifindex;
		if (bpf_skb_load_bytes(skb, 0, macs + ETH_ALEN, ETH_ALEN) || bpf_skb_load_bytes(skb, ETH_ALEN, macs, ETH_ALEN))
			return suppressed_reason(reason);
	} else {
		target = find_sender(quote, zone, space);
		if (!target)
			return suppressed_reason(reason);
		id = target->id;
		if (target->kind == TARGET_REMOTE)
			encap = bpf_map_lookup_elem(&encaps, &id);
		else if (target->kind == TARGET_LOCAL)
			port = bpf_map_lookup_elem(&ports, &id);
		if (port)
			__builtin_memcpy(macs, port->vm_mac, sizeof(macs));
		else if (!encap || !hop_of(encap, &quote->inner))
			return suppressed_reason(reason);
	}
	if (!within_limit(scratch->passage.from.slot))
		return DROP_ERROR_RATE;
	if (!cut_quote(skb, quote))
		return suppressed_reason(reason);
	if (encap)
		return send_icmp_encap(skb, quote, encap, NULL, mtu);
	return send_plain(skb, quote, macs, id, mtu);
}

/* The end of what a program of a network node does not send on. */
__noinline int nn_exception(struct __sk_buff *skb, __u32 reason, __u32 hook)
{
	struct reply_space *space = reply_space();
	__u32 zero = 0;

	if (reason == PUNT_HOP_LIMIT || reason == PUNT_TOO_BIG) {
		keep(skb);
		reason = tell_zone(skb, bpf_map_lookup_elem(&steer_scratches, &zero), reason);
	}
	reason = refused(reason);
	count_reason(reason);
	if (is_answer(reason) && space) {
		seen(skb, reason, space->frame[0], hook);
		return bpf_redirect(space->frame[0], 0);
	}
	seen(skb, reason, 0, hook);
	return TC_ACT_SHOT;
}
