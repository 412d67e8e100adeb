// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of an uplink: decapsulates what is for a SID of ours and redirects it to the port; TCP goes on without its outer header, for GRO
 * to merge, and uplink_tc redirects the super-packets. What is neither redirected nor dropped meets uplink_tc next, which counts it. */
#include <linux/bpf.h>
#include "ctx/xdp.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Decapsulates a packet and passes it to GRO. The metadata tells uplink_tc the port of the merged super-packet. */
static __always_inline int decap_to_stack(struct xdp_md *ctx, struct decap_ctx *decap)
{
	struct decap_meta *meta;
	enum reason reason;

	/* A driver that has no room for metadata: nothing is changed yet. */
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_PASS;
	trace_capture(ctx);
	reason = DROP_NO_ROOM;
	if (!bpf_xdp_adjust_head(ctx, decap->outer.bytes)) {
		meta = (void *)(long)ctx->data_meta;
		if ((void *)(meta + 1) <= (void *)(long)ctx->data) {
			meta->magic = DECAP_META_MAGIC;
			meta->ifindex = decap->ifindex;
			reason = decap_finish(decap, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
		}
	}
	trace_verdict(ctx, reason, reason == REASON_FORWARDED ? decap->ifindex : 0, HOOK_UPLINK_XDP);
	if (reason == REASON_FORWARDED)
		return XDP_PASS;
	count_verdict(reason);
	return XDP_DROP;
}

static __always_inline int uplink_ingress(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct decap_ctx decap;
	enum reason reason;
	struct node *node;
	__u32 zero = 0;

	node = bpf_map_lookup_elem(&sg_node, &zero);
	if (!node || data + ETH_HLEN > data_end || !is_for_uplink(data, node, ctx->ingress_ifindex))
		return XDP_PASS;
	force_stack(decap);
	reason = decap_lookup(ctx, &decap, FROM_WIRE_XDP);
	if (reason == REASON_COUNT)
		return XDP_PASS;
	if (reason == REASON_FORWARDED) {
		__u32 length = xdp_length(ctx, decap.outer.length);

		if (decap.outer.length > length)
			reason = DROP_MALFORMED;
		else if (length - decap.outer.bytes > decap.port->mtu)
			reason = PUNT_TOO_BIG;
	}
	if (reason == REASON_FORWARDED) {
		if (!(decap.port->flags & PORT_XDP_XMIT) && decap.inner.protocol != IPPROTO_TCP)
			return XDP_PASS;
		learn_return_path_decap(ctx, decap.outer.bytes, &decap.inner, decap.port->tenant);
		if (decap.inner.protocol == IPPROTO_TCP)
			return decap_to_stack(ctx, &decap);
		trace_capture(ctx);
		if (bpf_xdp_adjust_head(ctx, decap.outer.bytes))
			reason = PUNT_NO_ROOM;
		else {
			data = (void *)(long)ctx->data;
			data_end = (void *)(long)ctx->data_end;
			reason = decap_finish(&decap, data, data_end);
		}
	}
	if (reason != REASON_FORWARDED && reason < DROP_MALFORMED)
		return XDP_PASS;
	count_verdict(reason);
	trace_verdict(ctx, reason, reason == REASON_FORWARDED ? decap.ifindex : 0, HOOK_UPLINK_XDP);
	if (reason != REASON_FORWARDED)
		return XDP_DROP;
	count_rx(decap.port->slot, 1, decap.inner.length);
	return bpf_redirect(decap.ifindex, 0);
}

SEC("xdp.frags")
int segue_uplink_xdp(struct xdp_md *ctx)
{
	return uplink_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
