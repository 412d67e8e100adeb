/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a test run repeats must find the packet as it was: the head of the frame is put back after each run. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The frame's first bytes, set before loading. */
const volatile __u64 head[9];

/* Moves the frame's beginning and writes HEAD_WORDS words there. */
static __always_inline int undo(struct xdp_md *ctx, int delta)
{
	__u64 *data;
	int i;

	if (bpf_xdp_adjust_head(ctx, delta))
		return -1;
	data = (void *)(long)ctx->data;
	if ((void *)(data + HEAD_WORDS) > (void *)(long)ctx->data_end)
		return -1;
#pragma unroll
	for (i = 0; i < HEAD_WORDS; i++)
		data[i] = head[i];
	return 0;
}

/* What undoing costs by itself. */
SEC("xdp")
int cost_undo(struct xdp_md *ctx)
{
	return undo(ctx, 0) ? XDP_ABORTED : XDP_PASS;
}
