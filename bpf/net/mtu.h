/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a packet fits a link. */
#pragma once
#include "ctx/ctx.h"
#include "net/parse.h"

/*
 * Whether the packet, or a segment of a super-packet, exceeds the MTU. Padding behind the packet counts, as the link carries it, too.
 *
 * length: bytes of the frame from the packet on, padding included
 */
static __always_inline bool exceeds_mtu(struct CTX *ctx, const struct inner *inner, __u32 length, __u32 mtu)
{
	__u32 segment_bytes = frame_segment_bytes(ctx);

	if (!segment_bytes)
		return length > mtu;
	return inner->header_bytes + inner->l4_bytes + segment_bytes > mtu;
}
