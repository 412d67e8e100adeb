/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP echo (RFC 792, RFC 4443 section 4.2) for the gateway's addresses, whatever hop limit the request has left. */
#pragma once
#include "port/reply.h"

/* An ICMP type with code 0, as a 16-bit word on the wire. */
#define WIRE_WORD(type) bpf_htons((type) << 8)

/* Turns the message at an offset into a reply. bpf_l4_csum_replace() leaves the checksum of a CHECKSUM_PARTIAL packet alone. */
static __always_inline bool icmp_to_reply(struct __sk_buff *skb, __u32 offset, __u8 request, __u8 reply)
{
	return !bpf_l4_csum_replace(skb, offset + 2, WIRE_WORD(request), WIRE_WORD(reply), 2) && !bpf_skb_store_bytes(skb, offset, &reply, 1, 0);
}

static __always_inline bool is_icmp_request(struct __sk_buff *skb, __u32 offset, __u8 request)
{
	struct icmp_head icmp;

	return !bpf_skb_load_bytes(skb, offset, &icmp, sizeof(icmp)) && icmp.type == request && !icmp.code;
}

static __always_inline bool is_gateway(__u32 tenant, const struct inner *inner)
{
	const struct endpoint *endpoint = lookup_endpoint(tenant, inner);

	return endpoint && endpoint->type == EP_GATEWAY;
}

static __always_inline bool write_reply_eth(struct __sk_buff *skb, const struct port *port, __be16 protocol)
{
	struct ethhdr eth;

	set_reply_eth(&eth, port, protocol);
	return !bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0);
}

static __always_inline enum reason reply_echo_ipv4(struct __sk_buff *skb, const struct port *port, enum reason reason)
{
	struct inner inner = { .family = FAMILY_INET };
	const __u32 at = ETH_HLEN + sizeof(struct iphdr);
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return reason;
	/* A fragment has only a part of the data that the reply must return. */
	if (ip.version != 4 || ip.ihl != 5 || ip.protocol != IPPROTO_ICMP || ip.frag_off & IP_OFFSET_OR_MORE)
		return reason;
	inner.dest.in6_u.u6_addr32[0] = ip.daddr;
	if (!is_gateway(port->tenant, &inner) || !is_icmp_request(skb, at, ICMP_ECHO_REQUEST))
		return reason;
	ip.daddr = ip.saddr;
	ip.saddr = inner.dest.in6_u.u6_addr32[0];
	ip.ttl = REPLY_HOP_LIMIT;
	ip.check = 0;
	ip.check = csum_fold(csum_bytes(&ip, sizeof(ip)));
	/* An IPv4 header with a valid checksum sums to zero before and after: skb->csum (CHECKSUM_COMPLETE) stays right without an update. */
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) || !icmp_to_reply(skb, at, ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY) ||
	    !write_reply_eth(skb, port, bpf_htons(ETH_P_IP)))
		return DROP_NO_ROOM;
	return ANSWER_ECHO;
}

static __always_inline enum reason reply_echo_ipv6(struct __sk_buff *skb, const struct port *port, enum reason reason)
{
	struct inner inner = { .family = FAMILY_INET6 };
	const __u32 at = ETH_HLEN + sizeof(struct ipv6hdr);
	struct ipv6hdr ip6;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)) || ip6.version != 6 || ip6.nexthdr != IPPROTO_ICMPV6)
		return reason;
	inner.dest = ip6.daddr;
	if (!is_gateway(port->tenant, &inner) || !is_icmp_request(skb, at, ICMP6_ECHO_REQUEST))
		return reason;
	ip6.daddr = ip6.saddr;
	ip6.saddr = inner.dest;
	ip6.hop_limit = REPLY_HOP_LIMIT;
	/* Swapped addresses do not change the sum of the pseudo header. */
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6), BPF_F_RECOMPUTE_CSUM) ||
	    !icmp_to_reply(skb, at, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY) || !write_reply_eth(skb, port, bpf_htons(ETH_P_IPV6)))
		return DROP_NO_ROOM;
	return ANSWER_ECHO;
}

/* Replies to an echo request for the gateway, or returns `reason`. The anti-spoofing check has passed the packet. */
static __noinline enum reason reply_echo(struct __sk_buff *skb, const struct port *port, enum reason reason)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return reply_echo_ipv4(skb, port, reason);
	return reply_echo_ipv6(skb, port, reason);
}
