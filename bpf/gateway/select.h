/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: selects the network node of a flow that leaves its tenant. New flows are distributed by Maglev. */
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
 * Number of the network node that the flow scratch->key has; marks the flow as used. NO_NETWORK_NODE: the flow has none, that one is down, or the
 * flow has expired. expires: a flow that was idle for GW_FLOW_SECONDS may take another one
 */
static __noinline __u32 gw_affinity_lookup(struct gw_flow_buf *scratch, __u32 now, bool expires)
{
	struct gw_flow_affinity *known;
	struct gw_flow_line *line;

	if (!scratch)
		return NO_NETWORK_NODE;
	line = gw_flow_line_of(scratch);
	if (!line)
		return NO_NETWORK_NODE;
	known = gw_flow_find(line, scratch->tag);
	if (!known)
		return NO_NETWORK_NODE;
	scratch->index = known->node;
	if (!network_node_is_up(scratch->index) || (expires && (__u16)(now - known->seen) > SECONDS(GW_FLOW_SECONDS)))
		return NO_NETWORK_NODE;
	if (known->seen != (__u16)now)
		gw_flow_write(known, scratch->tag, scratch->index, now);
	return scratch->index;
}

/* select_gateway_encap() for a packet whose ports were parsed: no fragment, no ICMP error. */
static __noinline __u32 select_gateway_encap_inner(const struct inner *inner, __u32 tenant, __u32 via_gateway)
{
	__u32 zero = 0, now = now_ticks(), node = NO_NETWORK_NODE, *id;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);
	bool is_tcp;

	if (!scratch || !inner)
		return 0;
	is_tcp = inner->protocol == IPPROTO_TCP;
	gw_flow_key_of(&scratch->key, inner, tenant, false);
	/* A packet that opens a connection takes the network node of new flows, whatever an earlier flow with these ports had. */
	if (!is_tcp || (inner->tcp_flags & TCP_OPENS) != TCP_SYN)
		node = gw_affinity_lookup(scratch, now, !is_tcp);
	if (node == NO_NETWORK_NODE) {
		node = select_network_node(via_gateway, &scratch->key.flow);
		if (node == NO_NETWORK_NODE)
			return 0;
		gw_affinity_insert(scratch, node, now);
	}
	id = gw_encap_lookup(tenant, node);
	return id ? *id : 0;
}

/*
 * Number of the encapsulation towards the network node of a packet that a VM of this node sends out of its tenant's subnets; 0: there is none.
 * protocol: of the packet, IPPROTO_IPIP or IPPROTO_IPV6; via_gateway: id of the endpoint
 */
static __noinline __u32 select_gateway_encap(struct CTX *ctx, __u32 tenant, __u32 via_gateway, __u8 protocol)
{
	__u32 zero = 0, now = now_ticks(), node = NO_NETWORK_NODE, *id;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);
	struct packet *packet;
	bool is_tcp;

	if (!scratch)
		return 0;
	packet = &scratch->packet;
	if (parse_packet(ctx, packet, ETH_HLEN, protocol) != REASON_FORWARDED)
		return 0;
	scratch->key.tenant = tenant;
	/* An ICMP error goes by the flow that it quotes, whose packets came from the other side. */
	if (packet->type == PACKET_ERROR)
		reverse_key(&scratch->key.flow, &packet->key);
	else if (packet->type == PACKET_LATER_FRAGMENT)
		fragments_key(&scratch->key.flow, packet);
	else
		scratch->key.flow = packet->key;
	is_tcp = packet->key.protocol == IPPROTO_TCP;
	if (!is_tcp || !packet->opens || packet->type == PACKET_ERROR)
		node = gw_affinity_lookup(scratch, now, !is_tcp || packet->type == PACKET_LATER_FRAGMENT);
	if (node == NO_NETWORK_NODE) {
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

/* The same, for a frame of a port's interface; caches the result for the flow. Returns 0 on a node whose tenants have no gateways, too. */
static __always_inline __u32 gateway_encap(struct CTX *ctx, const struct inner *inner, __u32 ifindex, __u32 tenant, __u32 via_gateway,
					   __u64 generation)
{
	__u32 gw_flow_generation, id;

	if (!use_gateways)
		return 0;
	gw_flow_generation = gw_flow_generation_now();
	if (inner->ports)
		id = select_gateway_encap_inner(inner, tenant, via_gateway);
	else
		id = select_gateway_encap(ctx, tenant, via_gateway, inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6);
	if (id)
		gw_flow_cache_insert(inner, ifindex, generation, gw_flow_generation, id);
	return id;
}
