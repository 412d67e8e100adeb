/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP: how a frame is read, and how long it is. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>

#define CTX xdp_md
#define LOAD_BYTES bpf_xdp_load_bytes
#define FRAME_IFINDEX(xdp) ((xdp)->ingress_ifindex)

static __always_inline __u32 frame_bytes(struct xdp_md *xdp)
{
	return bpf_xdp_get_buff_len(xdp);
}

/* A tag is in the frame, or hidden from XDP. */
static __always_inline __u32 frame_vlan(struct xdp_md *xdp)
{
	return 0;
}

static __always_inline __u32 frame_segments(struct xdp_md *xdp)
{
	return 0;
}

/* A first buffer that is shorter is the only one: a driver fills it before it takes another. */
#define ONE_BUFFER_BYTES 1024

/*
 * Bytes of a frame behind its Ethernet header. To ask the kernel costs 8 ns, a sixth of an encapsulation: it is asked of large frames,
 * and where the packet is not whole in the first buffer all the same.
 *
 * packet: bytes, as its header says
 */
static __always_inline __u32 xdp_length(struct xdp_md *ctx, __u32 packet)
{
	__u32 length = (long)ctx->data_end - (long)ctx->data - ETH_HLEN;

	if (length < packet || length >= ONE_BUFFER_BYTES)
		length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;
	return length;
}
