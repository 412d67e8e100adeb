/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What arrived for a port of ours and could not be delivered: its sender, on another node, is told through the overlay. */
#pragma once
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "gateway/return_path.h"
#include "icmp/to_remote.h"
#include "metrics.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Reads an arrived packet again. back: the encapsulation towards the network node it came by, or 0. False: it is none of those that are
 * told of. */
static __always_inline bool parse_for_icmp(struct __sk_buff *skb, struct quote *quote, __u32 *tenant, __u32 *back, struct reply_space *space)
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
	*back = encap_back(&outer->saddr, sid->tenant);
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

/* reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG, given back where the packet is the kernel's to judge */
static __noinline enum reason tell_sender(struct __sk_buff *skb, enum reason reason)
{
	struct reply_space *space = reply_space();
	const struct target *target;
	const struct encap *encap;
	const struct port *port;
	struct quote *quote;
	__u32 tenant, id, back;

	if (!space)
		return reason;
	quote = new_quote(space);
	if (!parse_for_icmp(skb, quote, &tenant, &back, space))
		return reason;
	if (!read_quote(skb, quote))
		return suppressed_reason(reason);
	target = find_target(tenant, &quote->inner);
	if (!target || target->kind != TARGET_LOCAL)
		return reason;
	id = target->id;
	port = bpf_map_lookup_elem(&ports, &id);
	if (!port || !let_gateway_tell(quote, port))
		return reason;
	/* Where the sender is: it takes the destination's place for the look-up. */
	*(struct in6_addr *)space->frame = quote->inner.dest;
	quote->inner.dest = quote->inner.source;
	target = find_target(tenant, &quote->inner);
	quote->inner.dest = *(struct in6_addr *)space->frame;
	/* A sender that is here would not have come by the uplink, and one of another tenant's by a network node, to which the error goes with
	 * the flow. */
	if (back)
		id = back;
	else if (target && target->kind == TARGET_REMOTE)
		id = target->id;
	else
		return suppressed_reason(reason);
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return reason;
	/* Asked again when the packet is no longer whole. */
	if (!hop_of(encap, &quote->inner))
		return PUNT_UNRESOLVED;
	if (!within_limit(port->slot))
		return DROP_ERROR_RATE;
	if (!cut_quote(skb, quote))
		return suppressed_reason(reason);
	return send_icmp_encap(skb, quote, encap, port, reason == PUNT_TOO_BIG ? port->mtu : 0);
}

/* The end of what an uplink's program does not deliver; see port/exception.h. */
__noinline int uplink_exception(struct __sk_buff *skb, __u32 reason)
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
