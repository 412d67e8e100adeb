/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * tcx: VLAN tags. Tagged frames are for VLAN devices, which come after tcx; the programs never forward them. Before tcx the kernel, or the NIC, has
 * moved a frame's first tag into the packet's metadata (skb_vlan_untag in net/core/dev.c); a second one is still in the frame.
 */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include "ctx/skb.h"

#define VLAN_ID 0x0fff

static __always_inline bool is_vlan_ethertype(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Whether a frame belongs to a VLAN. A priority tag (VLAN id 0) alone does not count, as in Linux (IEEE 802.1Q section 9.6; vlan_do_receive). */
static __always_inline bool is_vlan_frame(const struct __sk_buff *skb)
{
	return (skb->vlan_present && skb->vlan_tci & VLAN_ID) || is_vlan_ethertype(skb->protocol);
}

/*
 * Removes a priority tag, which the packet would otherwise keep when it is sent. Invalidates pointers into the packet. Returns false if the kernel
 * refuses.
 */
static __always_inline bool remove_priority_tag(struct __sk_buff *skb)
{
	return !skb->vlan_present || !bpf_skb_vlan_pop(skb);
}
