/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Re-encapsulation at a network node: the outer headers are parsed, and overwritten with those towards the destination. */
#pragma once
#include "maps/nn_maps.h"
#include "net/outer.h"
#include "net/parse_flow.h"
#include "nn/relay.h"
#include "srv6/decap.h"
#include "srv6/encap.h"

struct reencap_ctx {
	struct in6_addr sid; /* outer destination */
	struct outer outer; /* zero bytes: there is no outer header */
};

/* Parses the outer header of a packet for a gateway SID of this node, and finds its zone. REASON_COUNT: for no such SID. source: the result of
 * check_outer_source() */
static __always_inline enum reason reencap_parse(struct reencap_ctx *arrived, struct zone *from, void *data, void *data_end, enum reason source)
{
	struct cursor cursor = { data + ETH_HLEN, data_end };
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	struct ethhdr *eth = data;
	struct zone *zone;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	zone = bpf_map_lookup_elem(&sg_gw_sids, &ip6->daddr);
	if (!zone)
		return REASON_COUNT;
	if (source != REASON_FORWARDED)
		return source;
	*from = *zone;
	arrived->sid = ip6->daddr;
	return parse_outer(&arrived->outer, &cursor);
}

/* Whether the inner packet is within the outer one, and that within the frame. */
static __always_inline bool is_within_outer(const struct reencap_ctx *arrived, const struct inner *inner, __u32 frame_bytes)
{
	const struct outer *outer = &arrived->outer;

	/* Packets from external networks have no outer header. */
	if (!outer->bytes)
		return inner->length + ETH_HLEN <= frame_bytes;
	return outer->bytes + inner->length <= outer->length && outer->length + ETH_HLEN <= frame_bytes;
}

/* Copies a congestion mark to the inner packet, and decrements its hop limit. steps: false for a packet that is only relayed, which keeps it */
static __always_inline enum reason forward_inner(void *header, void *data_end, const struct inner *inner, __u8 class, bool steps)
{
	enum reason reason;

	if (header + sizeof(struct iphdr) > data_end)
		return DROP_MALFORMED;
	if (inner->family == FAMILY_INET) {
		reason = ecn_decapsulate(header, inner, class);
		if (steps)
			ipv4_dec_ttl(header);
		return reason;
	}
	if (header + sizeof(struct ipv6hdr) > data_end)
		return DROP_MALFORMED;
	reason = ecn_decapsulate(header, inner, class);
	if (steps)
		((struct ipv6hdr *)header)->hop_limit--;
	return reason;
}

/*
 * Writes Ethernet header, outer header and SRH of a packet that has room for them, and updates the inner packet. The DSCP is that of the header that
 * arrived, the ECN field that of the inner packet (RFC 6040 section 4). relay_count: how often the packet is relayed, this time included, which does
 * not decrement its hop limit; 0: not relayed
 */
static __always_inline enum reason write_reencap(void *data, void *data_end, const struct packet *packet, const struct reencap_ctx *was,
						 const struct encap *encap, const struct nexthop *hop, const struct node *node, __u32 hash,
						 __u32 relay_count)
{
	struct ipv6hdr *outer = data + ETH_HLEN;
	__u32 srh_bytes = encap->srh_bytes, label = hash & 0xfffff;
	__u8 protocol = was->outer.protocol, ecn = packet->inner.traffic_class & 3;
	struct ethhdr *eth = data;
	enum reason reason;

	if (srh_bytes > MAX_SRH_BYTES || (void *)(outer + 1) > data_end)
		return DROP_NO_ROOM;
	reason = forward_inner((void *)(outer + 1) + srh_bytes, data_end, &packet->inner, was->outer.class, !relay_count);
	if (reason != REASON_FORWARDED)
		return reason;
	if (ecn && (was->outer.class & 3) == 3)
		ecn = 3;
	__builtin_memcpy(eth->h_dest, hop->dest_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, hop->source_mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	*(__be32 *)outer = bpf_htonl(0x60000000 | ((__u32)((was->outer.class & 0xfc) | ecn) << 20) | (label ? label : 1));
	outer->payload_len = bpf_htons(packet->inner.length + srh_bytes);
	outer->nexthdr = srh_bytes ? IPPROTO_ROUTING : protocol;
	outer->hop_limit = RELAYED_HOP_LIMIT(relay_count & 3);
	outer->saddr = node->source;
	outer->daddr = encap->first;
	if (srh_bytes)
		return write_srh(outer + 1, data_end, encap, protocol);
	return REASON_FORWARDED;
}
