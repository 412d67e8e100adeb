/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What arrives at an uplink for a SID of ours: decapsulation, and out by the port. Stands once for tcx and XDP: a program includes uplink/tcx.h or
 * uplink/xdp.h before, which have the steps in which they differ (uplink_accept(), uplink_untag(), uplink_may_segment(), uplink_to_stack(),
 * uplink_redirect()). What is not delivered ends in uplink_exception(), what is none of ours in uplink_pass().
 */
#pragma once
#include "ctx/ctx.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Takes the outer headers off. The Ethernet header and the inner one are written then. */
static __always_inline enum reason uplink_decapsulate(struct CTX *ctx, struct decap_ctx *decap)
{
	if (!ctx_pull_outer(ctx, decap->outer.bytes, decap->inner.family == FAMILY_INET))
		return PUNT_NO_ROOM;
	return decap_finish(decap, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

/* To the port, or, at XDP, to GRO. */
static __always_inline int uplink_deliver(struct CTX *ctx, struct decap_ctx *decap)
{
	bool to_stack = uplink_to_stack(decap);
	enum reason reason;

	/* A driver that has no room for metadata: nothing is changed yet. */
	if (to_stack && !uplink_reserve_meta(ctx))
		return CTX_NEXT;
	trace_capture_to(ctx, EP_LOCAL, decap->ifindex);
	reason = uplink_decapsulate(ctx, decap);
	/* Its metadata is reserved, and holds whatever was there: nobody is to read that. */
	if (to_stack && (reason == PUNT_NO_ROOM || !uplink_write_meta(ctx, decap->ifindex)))
		reason = DROP_NO_ROOM;
	if (reason != REASON_FORWARDED)
		return uplink_exception(ctx, reason);
	trace_verdict(ctx, reason, decap->ifindex, UPLINK_HOOK);
	/* uplink_tc counts the super-packet. */
	if (to_stack)
		return CTX_NEXT;
	count_verdict(reason);
	count_rx(decap->port->slot, frame_packets(ctx), decap->inner.length);
	return uplink_redirect(decap->ifindex, decap->port->flags);
}

static __always_inline int uplink_ingress(struct CTX *ctx)
{
	enum arrival_path arrival_path;
	struct decap_ctx decap;
	enum reason reason;
	__u32 length;
	int verdict;

	if (!uplink_accept(ctx, &arrival_path, &verdict))
		return verdict;
	force_stack(decap);
	reason = decap_lookup(ctx, &decap, arrival_path);
	if (reason == REASON_COUNT)
		return uplink_pass(ctx);
	if (!uplink_untag(ctx))
		return uplink_exception(ctx, PUNT_NO_ROOM);
	if (reason == REASON_FORWARDED) {
		length = frame_packet_bytes(ctx, decap.outer.length);
		if (decap.outer.length > length)
			reason = DROP_MALFORMED;
		else if (frame_segment_bytes(ctx))
			reason = uplink_may_segment(decap.port) ? REASON_FORWARDED : PUNT_NO_OFFLOAD;
		else if (length - decap.outer.bytes > decap.port->mtu)
			reason = PUNT_TOO_BIG;
	}
	if (reason != REASON_FORWARDED)
		return uplink_exception(ctx, reason);
	/* Of TCP, tcx redirects super-packets. */
	if (!uplink_to_stack(&decap) && !ctx_may_transmit(decap.port->flags & PORT_XDP_XMIT))
		return CTX_NEXT;
	learn_return_path_decap(ctx, decap.outer.bytes, &decap.inner, decap.port->tenant);
	return uplink_deliver(ctx, &decap);
}
