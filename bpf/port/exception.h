/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets of a port's VM that are not forwarded: answered, left to the kernel unaltered, or dropped. */
#pragma once
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "icmp/to_vm.h"
#include "icmp_rate/icmp_rate.h"
#include "metrics.h"
#include "migrate/announcement.h"
#include "port/address_request.h"
#include "port/arp_reply.h"
#include "port/echo_reply.h"
#include "port/ndp_reply.h"
#include "srv6/domain.h"
#include "trace/trace.h"

static __always_inline int finish_packet(struct __sk_buff *skb, enum reason reason)
{
	count_verdict(reason);
	trace_verdict(skb, reason, 0, HOOK_PORT);
	return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
}

/*
 * Whether a frame is to or from the SR domain. Frames to other MAC addresses (which the kernel's SIDs accept all the same) and packets with too many
 * extension headers get here without that check.
 */
static __noinline bool is_domain_frame(struct __sk_buff *skb)
{
	struct reply_buf *space = reply_buf();
	struct ipv6hdr *ip6;

	if (!space || skb->protocol != bpf_htons(ETH_P_IPV6))
		return false;
	ip6 = (struct ipv6hdr *)space->frame;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, ip6, sizeof(*ip6)))
		return false;
	return is_domain_address(&ip6->daddr) || is_domain_address(&ip6->saddr);
}

/* Replies to ARP requests and neighbour solicitations for addresses that the VM reaches through this node. */
static __noinline enum reason reply_neighbour(struct __sk_buff *skb, __u32 ifindex, const struct port *port, enum reason reason)
{
	if (skb->protocol == bpf_htons(ETH_P_ARP))
		return reply_arp(skb, ifindex, port, reason);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return reply_solicitation(skb, ifindex, port, reason);
	return reason;
}

/*
 * Ends the port's program for packets that it does not forward. A function of its own, so that forwarded packets do not pay for it.
 * reason: enum reason, why the packet did not take the fast path (arguments of global functions are plain integers)
 * Returns a verdict, or LEAVE_TO plus the program of sg_replies that the packet is left to.
 */
__noinline int port_exception(struct __sk_buff *skb, __u32 reason)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);

	if (!port)
		return finish_packet(skb, PUNT_NO_PORT);
	/* Before the check of addresses: frames with a tag belong to a VLAN device. */
	if (reason == PASS_VLAN)
		return finish_packet(skb, reason);
	if (reason < DROP_MALFORMED && is_domain_frame(skb))
		return finish_packet(skb, DROP_DOMAIN_ADDRESS);
	if (reason == DROP_MIGRATED) {
		__u32 to;

		reason = write_notice(skb, &to);
		if (!to)
			return finish_packet(skb, reason);
		count_verdict(REASON_FORWARDED);
		trace_verdict(skb, REASON_FORWARDED, to, HOOK_PORT);
		return bpf_redirect(to, 0);
	}
	if (reason < PUNT_UNRESOLVED)
		trace_capture(skb);
	if (reason == PUNT_NOT_ROUTED || reason == PUNT_NO_MEMBER) {
		int program = address_request(skb, ifindex);

		if (program != TCX_NEXT)
			return program;
	}
	switch (reason) {
	case PUNT_NOT_IP:
	case PUNT_NOT_ROUTED:
		reason = reply_neighbour(skb, ifindex, port, reason);
		break;
	case PUNT_NO_MEMBER:
		reason = reply_echo(skb, port, reason);
		if (no_kernel_fallback && reason == PUNT_NO_MEMBER)
			reason = icmp_error_to_vm(skb, port, reason);
		break;
	case PUNT_HOP_LIMIT:
		/* TTL 1 is enough to reach the gateway itself. */
		reason = reply_echo(skb, port, reason);
		if (reason == PUNT_HOP_LIMIT)
			reason = icmp_error_to_vm(skb, port, reason);
		break;
	case PUNT_TOO_BIG:
		reason = icmp_error_to_vm(skb, port, reason);
		break;
	}
	reason = icmp_rate_check(ifindex, reason);
	if (!is_reply_reason(reason)) {
		if (!is_final(reason))
			accept_former_mac(skb, port);
		return finish_packet(skb, reason);
	}
	count_verdict(reason);
	trace_verdict(skb, reason, ifindex, HOOK_PORT);
	return bpf_redirect(ifindex, 0);
}
