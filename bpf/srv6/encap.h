/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* H.Encaps.Red (RFC 8986 section 5.2). */
#pragma once
#include "fib/nexthop.h"
#include "net/parse.h"
#include "net/ttl.h"

#define OUTER_HOP_LIMIT 64

static __always_inline __u8 outer_class(const struct port *port, const struct inner *inner)
{
	__u8 ecn = inner->traffic_class & 3;

	if (port->dscp == DSCP_COPY)
		return inner->traffic_class;
	/* RFC 6040 section 4.1: the ECN field is copied, whatever the DSCP. */
	return port->dscp == DSCP_ZERO ? ecn : ((port->dscp & 63) << 2) | ecn;
}

static __always_inline __u8 inner_protocol(const struct inner *inner)
{
	return inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* Bytes that an encapsulation adds. */
static __always_inline __u32 encap_bytes(const struct encap *srh)
{
	return sizeof(struct ipv6hdr) + (srh ? srh->srh_bytes : 0);
}

/* Writes the outer header. The flow label (RFC 6437) is a hash of the flow, and never zero. class: the traffic class */
static __always_inline void write_outer_class(struct ipv6hdr *outer, const struct encap_nexthop *via, const struct node *node,
					      const struct inner *inner, __u8 class)
{
	const __u64 *source = (const void *)&node->source, *first = (const void *)via->first;
	__u64 *addresses = (void *)&outer->saddr;
	__u32 label = inner->hash & 0xfffff;
	__u16 srh_bytes = via->srh ? via->srh->srh_bytes : 0;

	if (!label)
		label = 1;
	*(__be32 *)outer = bpf_htonl(0x60000000 | ((__u32) class << 20) | label);
	outer->payload_len = bpf_htons(inner->length + srh_bytes);
	outer->nexthdr = srh_bytes ? IPPROTO_ROUTING : inner_protocol(inner);
	outer->hop_limit = OUTER_HOP_LIMIT;
	addresses[0] = source[0];
	addresses[1] = source[1];
	addresses[2] = first[0];
	addresses[3] = first[1];
}

static __always_inline void write_outer(struct ipv6hdr *outer, const struct encap_nexthop *via, const struct node *node, const struct inner *inner)
{
	write_outer_class(outer, via, node, inner, outer_class(via->port, inner));
}

/* Writes the SRH. protocol: of the inner packet */
static __always_inline enum reason write_srh(void *to, void *data_end, const struct encap *encap, __u8 protocol)
{
	__u32 bytes = encap->srh_bytes, at;

	if (to + 8 > data_end)
		return DROP_NO_ROOM;
	*(__u64 *)to = *(const __u64 *)encap->srh;
	*(__u8 *)to = protocol;
	for (at = 8; at < MAX_SRH_BYTES && at < bytes; at += 8) {
		if (to + at + 8 > data_end)
			return DROP_NO_ROOM;
		*(__u64 *)(to + at) = *(const __u64 *)(encap->srh + at);
	}
	return REASON_FORWARDED;
}

/*
 * Encapsulates a packet in a frame that has room for it: writes Ethernet header, outer header and SRH, and decrements the inner hop limit.
 * DROP_NO_ROOM: the frame is too short.
 */
static __always_inline enum reason write_encap(void *data, void *data_end, const struct encap_nexthop *via, const struct node *node,
					       const struct inner *inner)
{
	struct ipv6hdr *outer = data + ETH_HLEN;
	const struct encap *encap = via->srh;
	struct ethhdr *eth = data;
	void *header = outer + 1;
	enum reason reason;
	__u32 bytes;

	if (header > data_end)
		return DROP_NO_ROOM;
	write_macs(eth, via->hop->dest_mac);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer(outer, via, node, inner);
	if (encap && encap->srh_bytes) {
		reason = write_srh(header, data_end, encap, inner_protocol(inner));
		if (reason != REASON_FORWARDED)
			return reason;
		bytes = encap->srh_bytes;
		if (bytes > MAX_SRH_BYTES)
			return DROP_NO_ROOM;
		header += bytes;
	}
	return dec_ttl(header, data_end, inner->family) ? REASON_FORWARDED : DROP_NO_ROOM;
}
