/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: which network node a flow of a tenant's goes to. New flows are shared out by Maglev. */
#pragma once
#include "gateway/affinity.h"
#include "net/parse_flow.h"

/* The network node of a new flow. via_gateway: id of the EP_VIA_GATEWAY endpoint. */
static __always_inline __u32 select_network_node(__u32 via_gateway, const struct flow_key *key)
{
	__u32 fixed_slot = via_gateway >> GW_FIXED_SLOT_SHIFT;

	return maglev_lookup(via_gateway & ((1 << GW_FIXED_SLOT_SHIFT) - 1), fixed_slot ? fixed_slot - 1 : flow_hash(key), false);
}

/*
 * Number of the encapsulation towards the network node for a packet that a VM of this node sends out of its tenant's subnets; 0: there
 * is no node. protocol: as a header before the packet would name it. via_gateway: id of the endpoint.
 */
static __noinline __u32 select_gateway_encap(struct CTX *ctx, __u32 tenant, __u32 via_gateway, __u8 protocol)
{
	__u32 zero = 0, now = now_ticks(), node, *id;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);
	struct gw_flow_affinity *known;
	struct packet *packet;

	if (!scratch)
		return 0;
	packet = &scratch->packet;
	if (parse_packet(ctx, packet, ETH_HLEN, protocol) != REASON_FORWARDED)
		return 0;
	scratch->key.tenant = tenant;
	/* An error goes with the packets that it is about, which came from the other side. */
	if (packet->type == PACKET_ERROR)
		reverse_key(&scratch->key.flow, &packet->key);
	else if (packet->type == PACKET_LATER_FRAGMENT)
		fragments_key(&scratch->key.flow, packet);
	else
		scratch->key.flow = packet->key;
	known = gw_affinity_lookup(scratch, now);
	if (known) {
		node = known->node;
		if (known->seen != now)
			known->seen = now;
	} else {
		node = select_network_node(via_gateway, &packet->key);
		if (node == NO_NETWORK_NODE)
			return 0;
		if (packet->type == PACKET_WHOLE || packet->type == PACKET_FIRST_FRAGMENT)
			gw_affinity_insert(scratch, node, now);
	}
	if (packet->type == PACKET_FIRST_FRAGMENT) {
		fragments_key(&scratch->key.flow, packet);
		gw_affinity_insert(scratch, node, now);
	}
	id = gw_encap_lookup(tenant, node);
	return id ? *id : 0;
}

/* The same of a frame that came in by an interface, and remembered for the next ones of its flow; 0, too, on a node whose tenants have no
 * gateways. */
static __always_inline __u32 gateway_encap(struct CTX *ctx, const struct inner *inner, __u32 ifindex, __u32 tenant, __u32 via_gateway,
					   __u64 generation)
{
	__u32 gw_flow_generation, id;

	if (!use_gateways)
		return 0;
	gw_flow_generation = gw_flow_generation_now();
	id = select_gateway_encap(ctx, tenant, via_gateway, inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6);
	if (id)
		gw_flow_cache_insert(inner, ifindex, generation, gw_flow_generation, id);
	return id;
}
