/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A network node's programs once a packet's source zone is known: classify the packet and forward it. Shared by tcx and XDP: a program first
 * includes nn/tcx.h or nn/xdp.h, which define the step in which they differ (nn_forward_to_external()).
 */
#pragma once
#include "gateway/return_path.h"
#include "nn/exits.h"

/* Reports the verdict to trace sessions. */
static __always_inline void trace_nn_decided(const struct nn_verdict *verdict, __u32 endpoint, __u32 endpoint_id)
{
	__u32 flags = (verdict->log ? TRACE_LOGGED : 0) | (verdict->relay_count ? TRACE_RELAYED : 0) | (verdict->is_reply ? TRACE_REPLY : 0) |
		      (verdict->new_decision ? TRACE_OPENED : 0);

	trace_decided(verdict->peer, verdict->policy, flags, endpoint, endpoint_id);
}

/*
 * Classifies a parsed packet and writes its headers for the way out. Returns REASON_FORWARDED with `exit`, NN_LEAVE if tcx must send the packet,
 * else why it is not forwarded.
 */
static __always_inline int nn_forward(struct CTX *ctx, struct nn_buf *scratch, const struct reencap_ctx *arrived, const struct nn_config *state,
				      const struct node *node, __u32 hash, struct nn_exit *exit)
{
	__u32 packets = frame_packets(ctx), id;
	struct nn_verdict *verdict = &scratch->verdict;
	struct packet *packet = &scratch->packet;
	struct endpoint *endpoint;
	struct encap *encap;
	int reason;

	exit->type = 0;
	exit->ifindex = 0;
	reason = nn_process(packet, verdict, state, arrived, (void *)(long)ctx->data, (void *)(long)ctx->data_end, hash, packets, &encap);
	if (is_traced())
		trace_nn_decided(verdict, 0, 0);
	if (reason != REASON_FORWARDED)
		return reason;
	trace_capture(ctx);
	if (!encap) {
		endpoint = nn_lookup_endpoint(verdict->peer, &packet->inner);
		if (!endpoint)
			return PUNT_NO_MEMBER;
		id = endpoint->id;
		exit->type = endpoint->type;
		exit->ifindex = id;
		if (is_traced())
			trace_nn_decided(verdict, endpoint->type, id);
		if (endpoint->type == EP_REMOTE)
			encap = bpf_map_lookup_elem(&sg_encaps, &id);
	}
	exit->encap = encap;
	if (encap)
		reason = nn_forward_to_node(ctx, scratch, arrived, node, hash, exit);
	else if (exit->type == EP_LOCAL)
		reason = nn_forward_to_port(ctx, scratch, arrived, exit->ifindex);
	else if (exit->type == EP_EXTERNAL)
		reason = nn_forward_to_external(ctx, scratch, arrived, &exit->ifindex);
	else
		reason = PUNT_NO_MEMBER;
	if (reason != REASON_FORWARDED)
		return reason;
	if (!encap && exit->type == EP_LOCAL)
		learn_return_path_self(packet, verdict->peer, state->self);
	if (!verdict->relay_count)
		account_packet(packet, verdict, reason, packets);
	count_verdict(reason);
	return reason;
}
