/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * tcx: tags of VLANs. A VLAN device takes frames with a tag, after tcx; the programs never do. Before tcx the kernel, or the NIC, has moved a
 * frame's first tag into the packet's metadata (skb_vlan_untag in net/core/dev.c); a second one is still in the frame.
 */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include "ctx/skb.h"

#define VLAN_ID 0x0fff

static __always_inline bool is_tag_type(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Is it a frame of a VLAN? One with a priority tag alone (VLAN id 0) is not, as for Linux (IEEE 802.1Q section 9.6; vlan_do_receive). */
static __always_inline bool is_of_vlan(const struct __sk_buff *skb)
{
	return (skb->vlan_present && skb->vlan_tci & VLAN_ID) || is_tag_type(skb->protocol);
}

/*
 * Removes a priority tag: sent on, the packet would carry it along. Pointers into the packet are void afterwards. False where the kernel
 * refuses.
 */
static __always_inline bool remove_priority_tag(struct __sk_buff *skb)
{
	return !skb->vlan_present || !bpf_skb_vlan_pop(skb);
}
