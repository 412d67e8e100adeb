/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv6 extension headers (RFC 8200 section 4). */
#pragma once
#include "net/proto.h"
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* Extension headers that a reader walks over at most. */
#define MAX_EXTENSIONS 6

/* The extension headers that every reader walks over (docs/decisions.md); a routing header is refused first. */
static __always_inline bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT || next == IPPROTO_AH ||
	       next == EXTENSION_MOBILITY || next == EXTENSION_HIP || next == EXTENSION_SHIM6;
}

/* length: the extension header's second byte. AH counts words of four bytes (RFC 4302 section 2.2), a fragment header has none. */
static __always_inline __u32 extension_bytes(__u8 next, __u8 length)
{
	if (next == IPPROTO_FRAGMENT)
		return 8;
	return next == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
}
