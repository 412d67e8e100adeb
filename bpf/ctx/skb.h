/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: how a frame is read, and how a program hands it on. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include "abi/types.h"

/* The verdict of a program that leaves a packet to the next one, and in the end to the kernel. */
#define TCX_NEXT (-1)

/* Linux 6.3; Debian's headers of 6.1 have them not. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

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

/*
 * Hands a packet to a port of this node. Where the port's other end is in a namespace of this machine, the packet goes on there at once: the way through the device and its
 * queue, and a softirq of its own for that, cost more than all of decapsulation.
 */
static __always_inline int deliver(__u32 ifindex, __u32 flags)
{
	return flags & PORT_PEER ? bpf_redirect_peer(ifindex, 0) : bpf_redirect(ifindex, 0);
}
