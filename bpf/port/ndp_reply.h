/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Neighbour discovery (RFC 4861): replies to solicitations, as port/arp_reply.h does to ARP requests. */
#pragma once
#include "port/reply.h"

#define ICMP6_NEIGHBOUR_SOLICITATION 135
#define ICMP6_NEIGHBOUR_ADVERTISEMENT 136
#define ND_HOP_LIMIT 255
#define ND_SOURCE_LINK_ADDRESS 1
#define ND_TARGET_LINK_ADDRESS 2
/* Options are in units of 8 bytes; solicitations have a link-layer address and a nonce (RFC 7527) at most. */
#define ND_UNIT 8
#define ND_MAX_UNITS 8
#define NA_ROUTER bpf_htonl(1U << 31)
#define NA_SOLICITED bpf_htonl(1U << 30)
#define NA_OVERRIDE bpf_htonl(1U << 29)

struct nd_message {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 flags;
	struct in6_addr target;
};

struct nd_option {
	__u8 type;
	__u8 units;
	__u8 mac[ETH_ALEN];
};

/* `unused` aligns the IPv6 header; the frame begins behind it. */
struct nd_frame {
	__u8 unused[2];
	struct ethhdr eth;
	struct ipv6hdr ip6;
	struct nd_message nd;
	struct nd_option option;
};

#define ND_FRAME_BYTES (sizeof(struct nd_frame) - 2)
#define ND_BYTES (sizeof(struct nd_message) + sizeof(struct nd_option))

/*
 * Whether the options are well formed, and each link-layer address is the VM's. Duplicate address detection sends none (RFC 4861 section 7.1.1).
 * at: of the first option in the frame
 * bytes: of all options
 */
static __always_inline bool nd_options_valid(struct __sk_buff *skb, __u32 at, __u32 bytes, bool is_probe, const struct port *port)
{
	__u32 unit, next = 0;

	if (bytes % ND_UNIT || bytes > ND_MAX_UNITS * ND_UNIT)
		return false;
	for (unit = 0; unit < ND_MAX_UNITS; unit++) {
		struct nd_option option;

		if (unit * ND_UNIT >= bytes)
			break;
		if (unit != next)
			continue;
		if (bpf_skb_load_bytes(skb, at + unit * ND_UNIT, &option, sizeof(option)))
			return false;
		if (!option.units)
			return false;
		next += option.units;
		if (option.type != ND_SOURCE_LINK_ADDRESS)
			continue;
		if (is_probe || option.units != 1 || !same_mac(option.mac, port->vm_mac))
			return false;
	}
	return next * ND_UNIT == bytes;
}

/*
 * Parses a neighbour solicitation. Returns false if the frame is none or may not be answered (RFC 4861 section 7.1.1). The checksum is not
 * verified: between the VM and this interface there is no wire that could damage the frame.
 * asked: sender and target, as source and destination
 */
static __always_inline bool parse_solicitation(struct __sk_buff *skb, struct nd_frame *frame, struct inner *asked)
{
	if (bpf_skb_load_bytes(skb, 0, &frame->eth, ND_FRAME_BYTES - sizeof(frame->option)))
		return false;
	if (frame->ip6.version != 6 || frame->ip6.nexthdr != IPPROTO_ICMPV6 || frame->nd.type != ICMP6_NEIGHBOUR_SOLICITATION || frame->nd.code ||
	    frame->ip6.hop_limit != ND_HOP_LIMIT)
		return false;
	if (bpf_ntohs(frame->ip6.payload_len) < sizeof(frame->nd))
		return false;
	asked->source = frame->ip6.saddr;
	asked->dest = frame->nd.target;
	return true;
}

static __always_inline bool solicitation_options_valid(struct __sk_buff *skb, const struct nd_frame *frame, const struct port *port)
{
	return nd_options_valid(skb, ND_FRAME_BYTES - sizeof(frame->option), bpf_ntohs(frame->ip6.payload_len) - sizeof(frame->nd),
				is_unspecified(&frame->ip6.saddr), port);
}

/*
 * Turns a solicitation into its advertisement. The Override flag is set, as no other node of this link can have a better answer (likewise RFC 9161
 * section 3.2).
 * flags: to set in addition
 */
static __always_inline enum reason reply_advertisement(struct __sk_buff *skb, const struct port *port, struct nd_frame *frame,
						       const struct inner *asked, __be32 flags)
{
	__u64 sum;

	set_reply_eth(&frame->eth, port, bpf_htons(ETH_P_IPV6));
	*(__be32 *)&frame->ip6 = bpf_htonl(0x60000000);
	frame->ip6.payload_len = bpf_htons(ND_BYTES);
	frame->ip6.saddr = asked->dest;
	frame->ip6.daddr = asked->source;
	frame->nd.type = ICMP6_NEIGHBOUR_ADVERTISEMENT;
	frame->nd.flags = NA_OVERRIDE | flags;
	if (is_unspecified(&asked->source)) {
		/* To all nodes (RFC 4861 section 7.2.4). The VM is the only one, so its unicast MAC address reaches all (RFC 6085). */
		frame->ip6.daddr.in6_u.u6_addr32[0] = bpf_htonl(0xff020000);
		frame->ip6.daddr.in6_u.u6_addr32[3] = bpf_htonl(1);
	} else {
		frame->nd.flags |= NA_SOLICITED;
	}
	frame->option.type = ND_TARGET_LINK_ADDRESS;
	frame->option.units = 1;
	__builtin_memcpy(frame->option.mac, port->gateway_mac, ETH_ALEN);
	frame->nd.checksum = 0;
	sum = csum_bytes(&frame->ip6.saddr, 2 * sizeof(struct in6_addr) + ND_BYTES);
	frame->nd.checksum = csum_fold(sum + bpf_htonl(ND_BYTES) + bpf_htonl(IPPROTO_ICMPV6));
	if (bpf_skb_change_tail(skb, ND_FRAME_BYTES, 0))
		return PUNT_NO_ROOM;
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, ND_FRAME_BYTES, BPF_F_RECOMPUTE_CSUM))
		return DROP_NO_ROOM;
	return ANSWER_NEIGHBOUR;
}

/* Answers a solicitation by the maps' endpoints, or returns `reason`. */
static __always_inline enum reason reply_solicitation(struct __sk_buff *skb, __u32 ifindex, const struct port *port, enum reason reason)
{
	struct nd_frame *frame = (struct nd_frame *)reply_buf();
	struct inner asked = { .family = FAMILY_INET6 };
	const struct endpoint *endpoint;

	if (!frame || !parse_solicitation(skb, frame, &asked))
		return reason;
	if (!is_unspecified(&asked.source) && !is_link_local(&asked.source) && !src_allowed(ifindex, &asked))
		return DROP_NEIGHBOUR_SENDER;
	if (!solicitation_options_valid(skb, frame, port))
		return DROP_NEIGHBOUR_SENDER;
	endpoint = lookup_endpoint(port->tenant, &asked);
	if (!should_proxy_reply(endpoint, ifindex))
		return is_link_local(&asked.dest) ? reason : no_reply_reason(endpoint, reason);
	return reply_advertisement(skb, port, frame, &asked, endpoint->type == EP_GATEWAY ? NA_ROUTER : 0);
}
