/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Answers router solicitations (RFC 4861 section 6.2.6): the advertisement is to the all-nodes address, in a frame to the VM's MAC address. */
#pragma once
#include "dhcp/reply.h"
#include "port/ndp_reply.h"

struct rs_headers {
	__u8 unused[2];
	struct ethhdr eth;
	struct ipv6hdr ip6;
	struct icmp_head icmp;
	__be32 reserved;
};

#define RS_BYTES 8
#define RS_HEADERS_BYTES (sizeof(struct rs_headers) - 2)

/* Whether a solicitation is valid (RFC 4861 section 6.1.1): one from the unspecified address has no link-layer address. */
static __always_inline bool solicitation_valid(struct __sk_buff *skb, const struct rs_headers *headers, const struct port *port)
{
	__u32 bytes = bpf_ntohs(headers->ip6.payload_len);

	if (headers->ip6.hop_limit != ND_HOP_LIMIT || headers->icmp.code || bytes < RS_BYTES || bytes + ETH_HLEN + sizeof(headers->ip6) > skb->len)
		return false;
	if (!is_unspecified(&headers->ip6.saddr) && !is_link_local(&headers->ip6.saddr))
		return false;
	return nd_options_valid(skb, RS_HEADERS_BYTES, bytes - RS_BYTES, is_unspecified(&headers->ip6.saddr), port);
}

/* Overwrites a frame with the port's advertisement. */
static __always_inline bool write_advertisement(struct __sk_buff *skb, const struct ra_frame *ra)
{
	__u32 bytes = ra->bytes;

	if (bytes < RS_HEADERS_BYTES)
		return false;
	barrier_var(bytes);
	if (bytes > RA_FRAME_BYTES)
		return false;
	return !bpf_skb_change_tail(skb, bytes, 0) && !bpf_skb_store_bytes(skb, 0, ra->frame, bytes, BPF_F_RECOMPUTE_CSUM);
}

/* Sends an unsolicited advertisement (RFC 4861 section 6.2.4) in a test run of the agent, where a verdict cannot redirect. */
static __noinline int send_advertisement(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct ra_frame *ra = bpf_map_lookup_elem(&sg_ra, &ifindex);

	if (ra && write_advertisement(skb, ra))
		bpf_clone_redirect(skb, ifindex, 0);
	return TC_ACT_SHOT;
}

static __noinline enum reason reply_router(struct __sk_buff *skb, const struct port *port)
{
	__u32 ifindex = skb->ifindex;
	struct rs_headers headers;
	const struct ra_frame *ra = bpf_map_lookup_elem(&sg_ra, &ifindex);

	if (!ra || !port)
		return PUNT_NOT_ROUTED;
	if (bpf_skb_load_bytes(skb, 0, &headers.eth, RS_HEADERS_BYTES))
		return DROP_MALFORMED;
	if (!same_mac(headers.eth.h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!solicitation_valid(skb, &headers, port))
		return DROP_NEIGHBOUR_SENDER;
	return write_advertisement(skb, ra) ? ANSWER_ROUTER : DROP_NO_ROOM;
}
