// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of an uplink: decapsulates what is for a SID of ours and redirects it to the port; TCP goes on without its outer header, for GRO
 * to merge, and uplink_tc redirects the super-packets. What is neither redirected nor dropped meets uplink_tc next, which counts it. */
#include <linux/bpf.h>
#include "ctx/xdp.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Strips the outer header, and tells uplink_tc where the packet goes, which GRO has merged with its neighbours by then. */
static __always_inline int strip(struct xdp_md *ctx, struct arrival *arrival)
{
	struct stripped *stripped;
	enum reason reason;

	/* A driver that has no room for metadata: nothing is changed yet. */
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*stripped)))
		return XDP_PASS;
	keep(ctx);
	reason = DROP_NO_ROOM;
	if (!bpf_xdp_adjust_head(ctx, arrival->outer_bytes)) {
		stripped = (void *)(long)ctx->data_meta;
		if ((void *)(stripped + 1) <= (void *)(long)ctx->data) {
			stripped->magic = STRIPPED;
			stripped->ifindex = arrival->ifindex;
			reason = finish_arrival(arrival, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
		}
	}
	seen(ctx, reason, reason == REASON_FORWARDED ? arrival->ifindex : 0, HOOK_UPLINK_XDP);
	if (reason == REASON_FORWARDED)
		return XDP_PASS;
	count_reason(reason);
	return XDP_DROP;
}

static __always_inline int uplink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct arrival arrival;
	enum reason reason;
	struct node *node;
	__u32 zero = 0;

	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!node || data + ETH_HLEN > data_end || !is_for_uplink(data, node, ctx->ingress_ifindex))
		return XDP_PASS;
	IN_MEMORY(arrival);
	reason = read_arrival(&arrival, data, data_end, ENTERED_XDP);
	if (reason == REASON_COUNT)
		return XDP_PASS;
	if (reason == REASON_FORWARDED) {
		__u32 length = xdp_length(ctx, arrival.length);

		if (arrival.length > length)
			reason = DROP_MALFORMED;
		else if (length - arrival.outer_bytes > arrival.port->mtu)
			reason = PUNT_TOO_BIG;
	}
	if (reason == REASON_FORWARDED) {
		if (!(arrival.port->flags & PORT_FRAMES) && arrival.inner.protocol != IPPROTO_TCP)
			return XDP_PASS;
		follow_arrival(ctx, arrival.outer_bytes, &arrival.inner, arrival.port->tenant);
		if (arrival.inner.protocol == IPPROTO_TCP)
			return strip(ctx, &arrival);
		keep(ctx);
		if (bpf_xdp_adjust_head(ctx, arrival.outer_bytes))
			reason = PUNT_NO_ROOM;
		else {
			data = (void *)(long)ctx->data;
			data_end = (void *)(long)ctx->data_end;
			reason = finish_arrival(&arrival, data, data_end);
		}
	}
	if (reason != REASON_FORWARDED && reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	seen(ctx, reason, reason == REASON_FORWARDED ? arrival.ifindex : 0, HOOK_UPLINK_XDP);
	if (reason != REASON_FORWARDED)
		return XDP_DROP;
	count_rx(arrival.port->slot, 1, arrival.inner.length);
	return bpf_redirect(arrival.ifindex, 0);
}

SEC("xdp.frags")
int segue_uplink_xdp(struct xdp_md *ctx)
{
	return uplink(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
