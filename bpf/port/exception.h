/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of a packet of a port's VM that is not forwarded: answered, left to the kernel as it came, or dropped. */
#pragma once
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "icmp/to_vm.h"
#include "icmp_rate/icmp_rate.h"
#include "metrics.h"
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
 * Is it for the SR domain, or from it? Asked of what was not read so far: frames that are not to this node's MAC address (the kernel's SIDs take
 * them all the same), extension headers that are too many.
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
 * The end of the port's program for all but what it forwards. A function of its own, so that these packets cost the others nothing.
 * reason: why the packet did not take the fast path (a number, as the verifier has it of functions)
 * Returns a verdict, or LEAVE_TO and the program that the packet is left to.
 */
__noinline int port_exception(struct __sk_buff *skb, __u32 reason)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);

	if (!port)
		return finish_packet(skb, PUNT_NO_PORT);
	/* Whatever is inside. */
	if (reason == PASS_VLAN)
		return finish_packet(skb, reason);
	if (reason < DROP_MALFORMED && is_domain_frame(skb))
		return finish_packet(skb, DROP_DOMAIN_ADDRESS);
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
