// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The uplink's program as it is, and what it did undone, for bench/micro. Ethernet, the outer and the inner header are within the head. */
#include "prog/uplink_xdp.bpf.c"
#define HEAD_WORDS 9
#include "bench/restore_head.h"

SEC("xdp")
int cost_decap(struct xdp_md *ctx)
{
	int verdict = uplink(ctx);

	return undo(ctx, -(int)sizeof(struct ipv6hdr)) ? XDP_ABORTED : verdict;
}
