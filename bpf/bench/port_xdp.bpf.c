// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The port's program, unchanged, after which the frame is restored, for bench/micro. Frames have 64 bytes. */
#include "prog/port_xdp.bpf.c"
#define HEAD_WORDS 8
#include "bench/restore_head.h"

SEC("xdp")
int cost_encap(struct xdp_md *ctx)
{
	int verdict = port_ingress(ctx);

	return restore_head(ctx, sizeof(struct ipv6hdr)) ? XDP_ABORTED : verdict;
}
