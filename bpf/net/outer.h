/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The outer header of an SRv6 packet, and its SRH (RFC 8754 section 2) if it has one. */
#pragma once
#include "abi/limits.h"
#include "abi/reasons.h"
#include "net/cursor.h"
#include "net/proto.h"

#define ROUTING_TYPE_SRH 4
/* An SRH that is not reduced has one segment more. */
#define MAX_SRH_BYTES_READ (MAX_SRH_BYTES + 16)

struct outer {
	__u32 bytes; /* between the Ethernet header and the inner packet */
	__u32 length; /* of the outer packet by its header, bytes */
	__u8 class;
	__u8 hop_limit;
	__u8 protocol; /* of the inner packet: IPPROTO_IPIP or IPPROTO_IPV6 */
};

/*
 * Parses the outer headers at the cursor, and moves the cursor to the inner packet. Returns DROP_MALFORMED, or PUNT_SEGMENTS: segments are left,
 * for which the kernel sends an error (RFC 8986 section 4.6), the SRH is longer than those of segue, or there is no inner packet.
 */
static __always_inline enum reason parse_outer(struct outer *outer, struct cursor *cursor)
{
	struct ipv6hdr *ip6 = cursor->at;

	outer->protocol = 0;
	if (!cursor_take(cursor, sizeof(*ip6)) || ip6->version != 6)
		return DROP_MALFORMED;
	outer->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
	outer->class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
	outer->hop_limit = ip6->hop_limit;
	outer->bytes = sizeof(*ip6);
	outer->protocol = ip6->nexthdr;
	if (outer->protocol == IPPROTO_ROUTING) {
		__u8 *srh = cursor->at;
		__u32 bytes;

		if (!cursor_has(cursor, 8))
			return DROP_MALFORMED;
		if (srh[2] != ROUTING_TYPE_SRH || srh[3])
			return PUNT_SEGMENTS;
		bytes = (srh[1] + 1) * 8;
		if (bytes > MAX_SRH_BYTES_READ)
			return PUNT_SEGMENTS;
		outer->protocol = srh[0];
		outer->bytes += bytes;
		cursor->at += bytes;
	}
	return outer->protocol == IPPROTO_IPIP || outer->protocol == IPPROTO_IPV6 ? REASON_FORWARDED : PUNT_SEGMENTS;
}
