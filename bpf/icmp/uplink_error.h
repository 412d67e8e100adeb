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

/* Reads an arrived packet again. back: the encapsulation towards the network node it came by, or 0. Returns false if no ICMP error may be
 * sent for this packet. */
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

/* reason: PUNT_HOP_LIMIT or PUNT_TOO_BIG, given back where the packet is the kernel's to judge */
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
	/* Looks the sender up: its address stands in the destination's field meanwhile. */
	*(struct in6_addr *)space->frame = orig->inner.dest;
	orig->inner.dest = orig->inner.source;
	endpoint = lookup_endpoint(tenant, &orig->inner);
	orig->inner.dest = *(struct in6_addr *)space->frame;
	/* A sender that is here would not have come by the uplink, and one of another tenant's by a network node, to which the error goes with
	 * the flow. */
	if (back)
		id = back;
	else if (endpoint && endpoint->type == EP_REMOTE)
		id = endpoint->id;
	else
		return suppressed_reason(reason);
	encap = bpf_map_lookup_elem(&sg_encaps, &id);
	if (!encap)
		return reason;
	/* Asked again when the packet is no longer whole. */
	if (!nexthop_of(encap, &orig->inner))
		return PUNT_UNRESOLVED;
	if (!icmp_ratelimit_take(port->slot))
		return DROP_ERROR_RATE;
	if (!trim_orig_dgram(skb, orig))
		return suppressed_reason(reason);
	return send_icmp_encap(skb, orig, encap, port, reason == PUNT_TOO_BIG ? port->mtu : 0);
}

/* The end of what an uplink's program does not deliver; see port/exception.h. */
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
