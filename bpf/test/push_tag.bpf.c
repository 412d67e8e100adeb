// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tags egress frames as a VLAN device above does: in the skb's metadata, which the driver reads (tx-vlan-hw-insert). */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCX_NEXT (-1)

/* Type of the tag; its priority and VLAN id. Set before loading. */
const volatile __u32 tag_type = ETH_P_8021Q;
const volatile __u32 tag_control = 0;

SEC("tcx/egress")
int push_tag(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(tag_type), tag_control) ? TC_ACT_SHOT : TCX_NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
