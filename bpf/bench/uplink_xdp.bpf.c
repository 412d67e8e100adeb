// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The uplink's program, unchanged, after which the frame is restored, for bench/micro. The head has Ethernet, outer and inner header. */
#include "prog/uplink_xdp.bpf.c"
#define HEAD_WORDS 9
#include "bench/restore_head.h"

SEC("xdp")
int cost_decap(struct xdp_md *ctx)
{
	int verdict = uplink_ingress(ctx);

	return restore_head(ctx, -(int)sizeof(struct ipv6hdr)) ? XDP_ABORTED : verdict;
}
