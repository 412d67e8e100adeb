/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tcx programs of a network node, from the parsed packet to the redirect. */
#pragma once
#include "icmp/nn_error.h"
#include "nn/tcx.h"
#include "nn/forward.h"

/* Classifies a parsed packet and sends it. */
static __always_inline int nn_forward_tc(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived,
					 const struct nn_config *state, const struct node *node, enum hook hook)
{
	struct nn_exit exit;
	int reason;

	if (scratch->packet.inner.hop_limit <= 1)
		return nn_exception(skb, PUNT_HOP_LIMIT, hook);
	reason = nn_forward(skb, scratch, arrived, state, node, flow_hash(&scratch->packet.key), &exit);
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, hook);
	trace_verdict(skb, reason, exit.ifindex, hook);
	if (!exit.encap && exit.type == EP_EXTERNAL)
		return bpf_redirect_neigh(exit.ifindex, NULL, 0, 0);
	return bpf_redirect(exit.ifindex, 0);
}
