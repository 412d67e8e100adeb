/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx of a network node: the steps of nn/forward.h that differ from XDP. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "metrics.h"
#include "net/vlan.h"
#include "nn/exits.h"
#include "trace/trace.h"

/* Bytes to linearize: Ethernet, outer IPv6, the longest SRH that is read, inner IPv6, an ICMP error, the IPv6 header that it quotes, 32 more. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + MAX_SRH_BYTES_READ + 8 + sizeof(struct ipv6hdr) + 32)

static __always_inline int pass_vlan(struct __sk_buff *skb, enum hook hook)
{
	count_verdict(PASS_VLAN);
	trace_verdict(skb, PASS_VLAN, 0, hook);
	return TCX_NEXT;
}

/* Sends to an external network, by a next hop that bpf_redirect_neigh() resolves. id: in, the endpoint's; out, the interface */
static __always_inline int nn_forward_to_external(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 *id)
{
	__u32 mtu = 0, ifindex = *id & ~EP_EXTERNAL_XDP_XMIT;

	*id = ifindex;
	/* Sets `mtu` to the interface's, whether the packet fits or not. */
	bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
	if (!mtu)
		return PUNT_NO_MEMBER;
	scratch->mtu = mtu;
	if (exceeds_mtu(skb, &scratch->packet.inner, nn_packet_bytes(skb, scratch), mtu))
		return PUNT_TOO_BIG;
	return nn_decapsulate(skb, &scratch->packet, arrived, NULL);
}
