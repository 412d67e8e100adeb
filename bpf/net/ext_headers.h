/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv6 extension headers (RFC 8200 section 4): the only code that walks over them. */
#pragma once
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "abi/reasons.h"
#include "ctx/ctx.h"
#include "net/cursor.h"
#include "net/proto.h"

/* Most extension headers that are walked over. */
#define MAX_EXT_HEADERS 6
/* Largest offset of a chain: that of an original datagram is behind outer headers, the packet's own chain and the ICMP error. */
#define CHAIN_OFFSET_MAX 0x1fff
/* Bytes of a chain: six headers of the largest length. */
#define CHAIN_BYTES_MAX 0x3fff

enum packet_type {
	PACKET_WHOLE,
	PACKET_FIRST_FRAGMENT,
	PACKET_LATER_FRAGMENT,
	PACKET_ERROR, /* an ICMP error: its flow is that of the original datagram, in the datagram's direction */
};

/* The result of a walk over extension headers. */
struct ext_chain {
	__u32 bytes; /* of the chain */
	__be32 fragment; /* identification */
	__u8 protocol; /* of the header behind the chain */
	__u8 type; /* enum packet_type: whole, or which fragment */
	__u16 unused;
};

/* The extension headers that are walked over (docs/adr/0016); a routing header is refused first (docs/adr/0015). */
static __always_inline bool is_ext_header(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT || next == IPPROTO_AH || next == EXT_MOBILITY ||
	       next == EXT_HIP || next == EXT_SHIM6;
}

/* length: the extension header's second byte. AH counts words of four bytes (RFC 4302 section 2.2), a fragment header has none. */
static __always_inline __u32 ext_header_bytes(__u8 next, __u8 length)
{
	if (next == IPPROTO_FRAGMENT)
		return 8;
	return next == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
}

/*
 * Walks over the extension headers at an offset of the frame. A routing header is refused wherever it stands. PUNT_IP_OPTIONS: the chain has more
 * than MAX_EXT_HEADERS headers, or goes beyond the linear part of the packet. The payload of a later fragment is from the middle of its packet, and
 * not parsed. A global function: the verifier checks it once, by itself.
 *
 * next: type of the first header, by the header before it
 */
__noinline int walk_ext_headers(struct CTX *ctx, struct ext_chain *chain, __u32 at, __u32 next)
{
	struct cursor cursor;
	__u32 bytes = 0;
	int index;

	if (!chain || at > CHAIN_OFFSET_MAX)
		return DROP_MALFORMED;
	cursor.at = (void *)(long)ctx->data + at;
	cursor.end = (void *)(long)ctx->data_end;
	chain->fragment = 0;
	chain->type = PACKET_WHOLE;
	for (index = 0; index <= MAX_EXT_HEADERS; index++) {
		__u32 length;
		__u8 *header = cursor.at;

		if (next == IPPROTO_ROUTING)
			return DROP_ROUTING_HEADER;
		if (chain->type == PACKET_LATER_FRAGMENT || !is_ext_header(next)) {
			chain->bytes = bytes;
			chain->protocol = next;
			return REASON_FORWARDED;
		}
		if (index == MAX_EXT_HEADERS || !cursor_has(&cursor, 8))
			return PUNT_IP_OPTIONS;
		if (next == IPPROTO_FRAGMENT) {
			__u16 offset = bpf_ntohs(*(__be16 *)(header + 2));

			chain->fragment = *(__be32 *)(header + 4);
			/* An atomic fragment (RFC 6946) is a whole packet. */
			if (offset & IP6_FRAGMENT_OFFSET)
				chain->type = PACKET_LATER_FRAGMENT;
			else if (offset & IP6_FRAGMENT_MORE)
				chain->type = PACKET_FIRST_FRAGMENT;
		}
		length = ext_header_bytes(next, header[1]);
		next = header[0];
		cursor.at += length;
		bytes += length;
	}
	return PUNT_IP_OPTIONS;
}
