/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP of a network node: the steps of nn/forward.h that differ from tcx. */
#pragma once
#include "ctx/xdp.h"
#include "ctx/xdp_finish.h"
#include "nn/exits.h"
#include "nn/external.h"

/* Sends to an external network. Without a neighbour entry the packet goes on to tcx, which has the kernel resolve the next hop. */
static __noinline int nn_external_xdp(struct xdp_md *ctx, const struct packet *packet, const struct reencap_ctx *arrived, __u32 ifindex)
{
	__u8 macs[2 * ETH_ALEN] __attribute__((aligned(8)));
	int reason;

	reason = external_nexthop_lookup(ctx, &packet->inner, ctx->ingress_ifindex, ifindex, macs, macs + ETH_ALEN);
	if (reason != REASON_FORWARDED)
		return reason;
	return nn_decapsulate(ctx, packet, arrived, macs);
}

/* id: in, the endpoint's; out, the interface */
static __always_inline int nn_forward_to_external(struct xdp_md *ctx, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 *id)
{
	if (!ctx_may_transmit(*id & EP_EXTERNAL_XDP_XMIT))
		return NN_LEAVE;
	*id &= ~EP_EXTERNAL_XDP_XMIT;
	return nn_external_xdp(ctx, &scratch->packet, arrived, *id);
}
