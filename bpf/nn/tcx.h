/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx of a network node: the steps in which nn/forward.h differs from XDP's. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "metrics.h"
#include "net/vlan.h"
#include "nn/exits.h"
#include "trace/trace.h"

/* What is to be in one piece: Ethernet, IPv6, the longest SRH that is read, IPv6, some extension headers, an ICMP error with what it quotes. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + MAX_SRH_BYTES_READ + 8 + sizeof(struct ipv6hdr) + 32)

static __always_inline int pass_vlan(struct __sk_buff *skb, enum hook hook)
{
	count_verdict(PASS_VLAN);
	trace_verdict(skb, PASS_VLAN, 0, hook);
	return TCX_NEXT;
}

/* Beyond an external interface the kernel knows the next hop, and resolves it. id: of the endpoint; the interface then */
static __always_inline int nn_forward_to_external(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 *id)
{
	__u32 mtu = 0, ifindex = *id & ~EP_EXTERNAL_XDP_XMIT;

	*id = ifindex;
	/* Says the interface's MTU, whatever it says of the packet. */
	bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
	if (!mtu)
		return PUNT_NO_MEMBER;
	scratch->mtu = mtu;
	if (exceeds_mtu(skb, &scratch->packet.inner, nn_packet_bytes(skb, scratch), mtu))
		return PUNT_TOO_BIG;
	return nn_decapsulate(skb, &scratch->packet, arrived, NULL);
}
