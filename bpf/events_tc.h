/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events of tcx programs. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CTX __sk_buff
#define LOAD_BYTES bpf_skb_load_bytes
#define FRAME_IFINDEX(skb) ((skb)->ifindex)

static __always_inline __u32 frame_bytes(struct __sk_buff *skb)
{
	return skb->len;
}

static __always_inline __u32 frame_vlan(struct __sk_buff *skb)
{
	return skb->vlan_present ? skb->vlan_tci : 0;
}

static __always_inline __u32 frame_segments(struct __sk_buff *skb)
{
	return skb->gso_segs;
}

#include "events_frame.h"
