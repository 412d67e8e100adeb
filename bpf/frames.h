/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Frames at XDP. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* Does the frame have so many bytes? The helper is asked only where the linear part has fewer. */
static __always_inline bool is_whole(struct xdp_md *ctx, __u32 bytes)
{
	return bytes <= ctx->data_end - ctx->data || bytes <= bpf_xdp_get_buff_len(ctx);
}
