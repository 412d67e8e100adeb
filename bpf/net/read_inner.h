/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads the packet behind a frame's outer headers. */
#pragma once
#include "ctx/ctx.h"
#include "net/parse_flow.h"

/* Bytes of what may be before a packet: more than outer headers have. */
#define INNER_AT_MAX 512

/* Reads the packet at an offset of the frame. A function that the verifier walks through by itself, once, for every chain of extension headers. */
__noinline int read_inner(struct CTX *ctx, struct packet *packet, __u32 at, __u8 protocol)
{
	if (!packet || at > INNER_AT_MAX)
		return DROP_MALFORMED;
	return read_packet(packet, (void *)(long)ctx->data + at, (void *)(long)ctx->data_end, protocol);
}
