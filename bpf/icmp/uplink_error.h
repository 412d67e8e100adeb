/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors for packets that arrived for a port of this node and cannot be delivered, sent through the overlay. */
#pragma once
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "gateway/return_path.h"
#include "icmp/to_remote.h"
#include "metrics.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Parses the outer headers of an arrived packet again. back: the encapsulation towards the network node that it came by, or 0. Returns false if no
 * ICMP error can be sent for this packet. */
static __always_inline bool parse_for_icmp(struct __sk_buff *skb, struct orig_dgram *orig, __u32 *tenant, __u32 *back)
{
	struct cursor cursor = { (void *)(long)skb->data + ETH_HLEN, (void *)(long)skb->data_end };
	struct ipv6hdr *ip6 = cursor.at;
	const struct sid *sid;
	struct outer outer;

	if (!cursor_has(&cursor, sizeof(*ip6)))
		return false;
	sid = bpf_map_lookup_elem(&sg_sids, &ip6->daddr);
	if (!sid)
		return false;
	*tenant = sid->tenant;
	*back = return_encap(&ip6->saddr, sid->tenant);
	if (parse_outer(&outer, &cursor) != REASON_FORWARDED)
		return false;
	orig->at = ETH_HLEN + outer.bytes;
	orig->inner.family = outer.protocol == IPPROTO_IPIP ? FAMILY_INET : FAMILY_INET6;
	return true;
}

/* reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG; returned if the packet is left to the kernel */
static __noinline enum reason icmp_error_to_remote(struct __sk_buff *skb, enum reason reason)
{
	struct reply_buf *space = reply_buf();
	const struct endpoint *endpoint;
	const struct encap *encap;
	const struct port *port;
	struct orig_dgram *orig;
	__u32 tenant, id, back;

	if (!space)
		return reason;
	orig = init_orig_dgram(space);
	if (!parse_for_icmp(skb, orig, &tenant, &back))
		return reason;
	if (!parse_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	endpoint = lookup_endpoint(tenant, &orig->inner);
	if (!endpoint || endpoint->type != EP_LOCAL)
		return reason;
	id = endpoint->id;
	port = bpf_map_lookup_elem(&sg_ports, &id);
	if (!port || !set_icmp_src_port(orig, port))
		return reason;
	/* Looks the sender up: for this lookup the sender's address replaces the destination. */
	*(struct in6_addr *)space->frame = orig->inner.dest;
	orig->inner.dest = orig->inner.source;
	endpoint = lookup_endpoint(tenant, &orig->inner);
	orig->inner.dest = *(struct in6_addr *)space->frame;
	/* A sender on this node would not have come by the uplink. A sender of another tenant came by a network node, to which the error goes
	 * back. */
	if (back)
		id = back;
	else if (endpoint && endpoint->type == EP_REMOTE)
		id = endpoint->id;
	else
		return suppressed_reason(reason);
	encap = bpf_map_lookup_elem(&sg_encaps, &id);
	if (!encap)
		return reason;
	/* send_icmp_encap() looks the next hop up again, but the packet is trimmed by then and cannot be left to the kernel. */
	if (!nexthop_of(encap, &orig->inner))
		return PUNT_UNRESOLVED;
	if (!icmp_ratelimit_take(port->slot))
		return DROP_ERROR_RATE;
	if (!trim_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	return send_icmp_encap(skb, orig, encap, port, reason == PUNT_TOO_BIG ? port->mtu : 0);
}

/* Ends the uplink's program for packets that it does not deliver, as port_exception() does at a port. */
__noinline int uplink_exception(struct __sk_buff *skb, __u32 reason)
{
	struct reply_buf *space = reply_buf();

	if (reason == PUNT_HOP_LIMIT || reason == PUNT_TOO_BIG) {
		trace_capture(skb);
		reason = icmp_error_to_remote(skb, reason);
	}
	count_verdict(reason);
	if (is_reply_reason(reason) && space) {
		trace_verdict(skb, reason, space->frame[0], HOOK_UPLINK);
		return bpf_redirect(space->frame[0], 0);
	}
	trace_verdict(skb, reason, 0, HOOK_UPLINK);
	return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
}
