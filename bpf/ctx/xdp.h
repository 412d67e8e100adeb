/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP: how a frame is read, resized and sent. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <stdbool.h>

#define CTX xdp_md
#define LOAD_BYTES bpf_xdp_load_bytes
#define ON_XDP true
#define CTX_NEXT XDP_PASS
#define CTX_DROP XDP_DROP

static __always_inline __u32 frame_ifindex(const struct xdp_md *ctx)
{
	return ctx->ingress_ifindex;
}

static __always_inline __u32 frame_bytes(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

/* A VLAN tag is in the frame, or in the NIC's metadata, which XDP does not see. */
static __always_inline __u32 frame_vlan(const struct xdp_md *ctx)
{
	return 0;
}

static __always_inline __u32 frame_segments(const struct xdp_md *ctx)
{
	return 0;
}

static __always_inline __u32 frame_packets(const struct xdp_md *ctx)
{
	return 1;
}

static __always_inline __u32 frame_segment_bytes(const struct xdp_md *ctx)
{
	return 0;
}

/* An interface that accepts no frames from XDP drops redirected ones silently: they go on to tcx. */
static __always_inline bool ctx_may_transmit(bool takes_xdp)
{
	return takes_xdp;
}

static __always_inline bool ctx_push_outer(struct xdp_md *ctx, __u32 bytes)
{
	return !bpf_xdp_adjust_head(ctx, -(int)bytes);
}

static __always_inline bool ctx_pull_outer(struct xdp_md *ctx, __u32 bytes, bool is_ipv4)
{
	return !bpf_xdp_adjust_head(ctx, bytes);
}

static __always_inline bool ctx_resize_outer(struct xdp_md *ctx, __u32 before, __u32 bytes)
{
	return before == bytes || !bpf_xdp_adjust_head(ctx, (int)before - (int)bytes);
}

/* A frame whose first buffer is shorter has only that one: drivers fill a buffer before they take another. */
#define ONE_BUFFER_BYTES 1024

/*
 * bpf_xdp_get_buff_len() costs 8 ns, a sixth of an encapsulation: it is called for large frames only, and if the packet is not whole in the first
 * buffer.
 *
 * claimed: the packet's length by its header, bytes
 */
static __always_inline __u32 frame_packet_bytes(struct xdp_md *ctx, __u32 claimed)
{
	__u32 length = (long)ctx->data_end - (long)ctx->data - ETH_HLEN;

	if (length < claimed || length >= ONE_BUFFER_BYTES)
		length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;
	return length;
}
