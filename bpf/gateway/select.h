/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: which network node a flow of a tenant's goes to. New flows are shared out by Maglev. */
#pragma once
#include "gateway/affinity.h"
#include "net/read_inner.h"

/* The node that a new flow gets. steered: id of the target. */
static __always_inline __u32 new_flow_node(__u32 steered, const struct flow_key *key)
{
	__u32 place = steered >> STEERED_PLACE;

	return pick_node(steered & ((1 << STEERED_PLACE) - 1), place ? place - 1 : flow_hash(key), false);
}

/*
 * Number of the encapsulation towards the network node for a packet that a VM of this node sends out of its tenant's subnets; 0: there
 * is no node. protocol: as a header before the packet would name it. steered: id of the target.
 */
static __noinline __u32 pick_gateway_encap(struct CTX *ctx, __u32 tenant, __u32 steered, __u8 protocol)
{
	__u32 zero = 0, now = ticks_now(), node, *id;
	struct flow_scratch *scratch = bpf_map_lookup_elem(&flow_scratches, &zero);
	struct flow_node *known;
	struct packet *packet;

	if (!scratch)
		return 0;
	packet = &scratch->packet;
	if (read_inner(ctx, packet, ETH_HLEN, protocol) != REASON_FORWARDED)
		return 0;
	scratch->key.tenant = tenant;
	/* An error goes with the packets that it is about, which came from the other side. */
	if (packet->kind == PACKET_ERROR)
		reverse_key(&scratch->key.flow, &packet->key);
	else if (packet->kind == PACKET_LATER_FRAGMENT)
		fragments_key(&scratch->key.flow, packet);
	else
		scratch->key.flow = packet->key;
	known = find_flow_node(scratch, now);
	if (known) {
		node = known->node;
		if (known->seen != now)
			known->seen = now;
	} else {
		node = new_flow_node(steered, &packet->key);
		if (node == NO_NETWORK_NODE)
			return 0;
		if (packet->kind == PACKET_WHOLE || packet->kind == PACKET_FIRST_FRAGMENT)
			remember_node(scratch, node, now);
	}
	if (packet->kind == PACKET_FIRST_FRAGMENT) {
		fragments_key(&scratch->key.flow, packet);
		remember_node(scratch, node, now);
	}
	id = find_gateway_encap(tenant, node);
	return id ? *id : 0;
}

/* The same of a frame that came in by an interface, and remembered for the next ones of its flow; 0, too, on a node whose tenants have no
 * gateways. */
static __always_inline __u32 steered_encap(struct CTX *ctx, const struct inner *inner, __u32 ifindex, __u32 tenant, __u32 steered,
					   __u64 epoch)
{
	__u32 follows, id;

	if (!use_gateways)
		return 0;
	follows = follows_now();
	id = pick_gateway_encap(ctx, tenant, steered, inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6);
	if (id)
		remember_steered(inner, ifindex, epoch, follows, id);
	return id;
}
