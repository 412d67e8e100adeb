/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Restores the head of the frame after each repetition of a test run: the next one must find the original packet. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The frame's first bytes, set before loading. */
const volatile __u64 head[9];

/* Moves the start of the frame by `delta`, and writes HEAD_WORDS words there. */
static __always_inline int restore_head(struct xdp_md *ctx, int delta)
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

/* The cost of restoring alone. */
SEC("xdp")
int cost_undo(struct xdp_md *ctx)
{
	return restore_head(ctx, 0) ? XDP_ABORTED : XDP_PASS;
}
