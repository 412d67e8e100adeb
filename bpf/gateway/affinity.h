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

static __always_inline void remember_node(struct flow_scratch *scratch, __u32 node, __u32 now)
{
	struct flow_node value = { .node = node, .seen = now };
	struct flow_node *known = bpf_map_lookup_elem(&flow_nodes, &scratch->key);

	if (known && known->node != node)
		forget_followed();
	bpf_map_update_elem(&flow_nodes, &scratch->key, &value, BPF_ANY);
}

/* The node that a flow has; NULL: none, or one that is no more. */
static __always_inline struct flow_node *find_flow_node(const struct flow_scratch *scratch, __u32 now)
{
	const struct packet *packet = &scratch->packet;
	struct flow_node *known = bpf_map_lookup_elem(&flow_nodes, &scratch->key);
	bool is_tcp = packet->key.protocol == IPPROTO_TCP;

	if (!known || !is_up(known->node))
		return NULL;
	/* What opens a connection may go where new ones go. */
	if (is_tcp && packet->opens && packet->kind != PACKET_ERROR)
		return NULL;
	if ((!is_tcp || packet->kind == PACKET_LATER_FRAGMENT) && now - known->seen > SECONDS(FLOW_NODE_SECONDS))
		return NULL;
	return known;
}
