/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events of XDP programs. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

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

#include "events_frame.h"
