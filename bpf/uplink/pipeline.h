/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that arrive at an uplink for a SID of this node: decapsulation, and redirect to the port. Shared by tcx and XDP: a program first includes
 * uplink/tcx.h or uplink/xdp.h, which define the steps in which they differ (uplink_accept(), uplink_untag(), uplink_may_segment(),
 * uplink_to_stack(), uplink_redirect()). Packets that are not delivered end in uplink_exception(), other nodes' and the host's in uplink_pass().
 */
#pragma once
#include "ctx/ctx.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "migrate/relay.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Removes the outer headers, and updates the Ethernet header and the inner packet. */
static __always_inline enum reason uplink_decapsulate(struct CTX *ctx, struct decap_ctx *decap)
{
	if (!ctx_pull_outer(ctx, decap->outer.bytes, decap->inner.family == FAMILY_INET))
		return PUNT_NO_ROOM;
	return decap_finish(decap, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

/* Delivers a packet to the port or, for TCP at XDP, to GRO. */
static __always_inline int uplink_deliver(struct CTX *ctx, struct decap_ctx *decap)
{
	bool to_stack = uplink_to_stack(decap);
	enum reason reason;

	/* The driver has no room for metadata: tcx takes the frame, which is unaltered so far. */
	if (to_stack && !uplink_reserve_meta(ctx))
		return CTX_NEXT;
	trace_capture_to(ctx, EP_LOCAL, decap->ifindex);
	reason = uplink_decapsulate(ctx, decap);
	/* A frame whose metadata is reserved but not written is dropped: uplink_tc would read garbage. */
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

/* Relays a packet for a VM that has moved to another node. */
static __always_inline int uplink_relay(struct CTX *ctx, const struct decap_ctx *decap, __u32 encap)
{
	__u32 ifindex = decap->ifindex;
	struct migration *migration = bpf_map_lookup_elem(&sg_migrations, &ifindex);
	const struct nexthop *hop = NULL;
	enum reason reason = DROP_STANDBY;

	/* The destination of a migration relays nothing back: the two nodes would send packets to each other. */
	if (migration && encap && !(decap->port->flags & PORT_STANDBY))
		reason = write_relay(ctx, decap, encap, &hop);
	if (reason == REASON_COUNT)
		return CTX_NEXT;
	if (reason != REASON_FORWARDED || !hop)
		return uplink_exception(ctx, reason);
	__sync_fetch_and_add(&migration->relayed, frame_packets(ctx));
	count_verdict(REASON_FORWARDED);
	trace_verdict(ctx, REASON_FORWARDED, hop->ifindex, UPLINK_HOOK);
	return bpf_redirect(hop->ifindex, 0);
}

static __always_inline int uplink_ingress(struct CTX *ctx)
{
	enum arrival_path arrival_path;
	struct decap_ctx decap;
	enum reason reason;
	__u32 length, encap;
	int verdict;
	bool away;

	if (!uplink_accept(ctx, &arrival_path, &verdict))
		return verdict;
	force_stack(decap);
	reason = decap_lookup(ctx, &decap, arrival_path);
	if (reason == REASON_COUNT)
		return uplink_pass(ctx);
	if (!uplink_untag(ctx))
		return uplink_exception(ctx, PUNT_NO_ROOM);
	if (reason == REASON_FORWARDED) {
		encap = away_encap(decap.port, decap.ifindex, decap.inner.family, &away);
		if (away)
			return uplink_relay(ctx, &decap, encap);
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
	/* For TCP the port need not accept frames from XDP: GRO merges them, and tcx redirects the super-packets. */
	if (!uplink_to_stack(&decap) && !ctx_may_transmit(decap.port->flags & PORT_XDP_XMIT))
		return CTX_NEXT;
	learn_return_path_decap(ctx, decap.outer.bytes, &decap.inner, decap.port->tenant);
	return uplink_deliver(ctx, &decap);
}
