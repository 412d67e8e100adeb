/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Hypervisors: the network node that a flow has. A flow keeps the one that it has while that one is up: the one that this node chose, or
 * the one that brought its last packet from the other side.
 */
#pragma once
#include "fib/flow_key.h"
#include "fib/gw_flow_cache.h"
#include "gateway/maglev.h"
#include "maps/gateway_scratch.h"
#include "net/time.h"

static __always_inline void gw_affinity_insert(struct gw_flow_buf *scratch, __u32 node, __u32 now)
{
	struct gw_flow_affinity value = { .node = node, .seen = now };
	struct gw_flow_affinity *known = bpf_map_lookup_elem(&sg_gw_affinity, &scratch->key);

	if (known && known->node != node)
		gw_flow_cache_invalidate();
	bpf_map_update_elem(&sg_gw_affinity, &scratch->key, &value, BPF_ANY);
}

/* The node that a flow has; NULL: none, or one that is no more. */
static __always_inline struct gw_flow_affinity *gw_affinity_lookup(const struct gw_flow_buf *scratch, __u32 now)
{
	const struct packet *packet = &scratch->packet;
	struct gw_flow_affinity *known = bpf_map_lookup_elem(&sg_gw_affinity, &scratch->key);
	bool is_tcp = packet->key.protocol == IPPROTO_TCP;

	if (!known || !network_node_is_up(known->node))
		return NULL;
	/* What opens a connection may go where new ones go. */
	if (is_tcp && packet->opens && packet->type != PACKET_ERROR)
		return NULL;
	if ((!is_tcp || packet->type == PACKET_LATER_FRAGMENT) && now - known->seen > SECONDS(GW_FLOW_SECONDS))
		return NULL;
	return known;
}
