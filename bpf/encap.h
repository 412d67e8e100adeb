/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* H.Encaps.Red (RFC 8986 section 5.2). */
#pragma once
#include "inner.h"
#include "maps.h"

#define OUTER_HOP_LIMIT 64
#define ETH_ADDRESSES (2 * ETH_ALEN)

static __always_inline __u8 outer_class(const struct port *port, const struct inner *inner)
{
	__u8 ecn = inner->traffic_class & 3;

	if (port->dscp == DSCP_COPY)
		return inner->traffic_class;
	/* RFC 6040 section 4.1: the ECN field is copied whatever becomes of the code point. */
	return port->dscp == DSCP_ZERO ? ecn : ((port->dscp & 63) << 2) | ecn;
}

static __always_inline __u8 inner_protocol(const struct inner *inner)
{
	return inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* Bytes that an encapsulation adds. */
static __always_inline __u32 encap_bytes(const struct encap *encap)
{
	return sizeof(struct ipv6hdr) + encap->srh_bytes;
}

/* Writes the outer header. The flow label (RFC 6437) is the flow's, and not zero. */
static __always_inline void write_outer(struct ipv6hdr *outer, const struct encap *encap, const struct node *node,
					const struct inner *inner, __u8 class)
{
	__u32 label = inner->hash & 0xfffff;

	if (!label)
		label = 1;
	*(__be32 *)outer = bpf_htonl(0x60000000 | ((__u32)class << 20) | label);
	outer->payload_len = bpf_htons(inner->length + encap->srh_bytes);
	outer->nexthdr = encap->srh_bytes ? IPPROTO_ROUTING : inner_protocol(inner);
	outer->hop_limit = OUTER_HOP_LIMIT;
	outer->saddr = node->source;
	outer->daddr = encap->first;
}
