/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * XDP of an uplink: TCP goes on without its outer header, for GRO to merge, and uplink_tc redirects the super-packets. Frames that are neither
 * redirected nor dropped go on to uplink_tc, which counts them. These steps of uplink/pipeline.h differ from tcx.
 */
#pragma once
#include "ctx/xdp.h"
#include "ctx/xdp_finish.h"
#include "srv6/decap.h"

#define UPLINK_HOOK HOOK_UPLINK_XDP

static __always_inline int uplink_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

static __always_inline int uplink_exception(struct xdp_md *ctx, enum reason reason)
{
	return xdp_finish(ctx, reason, HOOK_UPLINK_XDP);
}

static __always_inline bool uplink_accept(struct xdp_md *ctx, enum arrival_path *arrival_path, int *verdict)
{
	void *data = (void *)(long)ctx->data;
	__u32 zero = 0;
	struct node *node = bpf_map_lookup_elem(&sg_node, &zero);

	*arrival_path = FROM_WIRE_XDP;
	*verdict = XDP_PASS;
	return node && data + ETH_HLEN <= (void *)(long)ctx->data_end && is_for_uplink(data, node, ctx->ingress_ifindex);
}

static __always_inline bool uplink_untag(struct xdp_md *ctx)
{
	return true;
}

static __always_inline bool uplink_may_segment(const struct port *port)
{
	return true;
}

static __always_inline bool uplink_to_stack(const struct decap_ctx *decap)
{
	return decap->inner.protocol == IPPROTO_TCP;
}

/* Reserves the metadata that tells uplink_tc the port of the merged super-packet. Returns false if the driver has no room for it. */
static __always_inline bool uplink_reserve_meta(struct xdp_md *ctx)
{
	return !bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct decap_meta));
}

static __always_inline bool uplink_write_meta(struct xdp_md *ctx, __u32 ifindex)
{
	struct decap_meta *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	meta->magic = DECAP_META_MAGIC;
	meta->ifindex = ifindex;
	return true;
}

static __always_inline int uplink_redirect(__u32 ifindex, __u32 flags)
{
	return bpf_redirect(ifindex, 0);
}
