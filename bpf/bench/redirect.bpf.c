// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The benchmark's upper bounds: the minimum of a program at a hop, new MAC addresses and a redirect to another device. No
// lookup, no tunnel, no counters. Data planes are compared with this.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 ifindex;
// Destination, then source, as in the frame; the last 4 bytes are not used.
const volatile __u64 addresses[2];
// sk_buffs go directly to the device's veth peer in its namespace (bpf_redirect_peer).
const volatile __u8 to_peer;

static __always_inline int write_addresses(void *data, void *end)
{
	if (data + sizeof(struct ethhdr) > end)
		return 0;
	*(__u64 *)data = addresses[0];
	*(__u32 *)(data + sizeof(__u64)) = (__u32)addresses[1];
	return 1;
}

// .frags: frames of the underlay exceed a page, and veth_xdp_set (drivers/net/veth.c) would refuse the program without it.
SEC("xdp.frags")
int forward(struct xdp_md *ctx)
{
	if (!write_addresses((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	return bpf_redirect(ifindex, 0);
}

SEC("tcx/ingress")
int forward_skb(struct __sk_buff *skb)
{
	if (!write_addresses((void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_SHOT;
	return to_peer ? bpf_redirect_peer(ifindex, 0) : bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
