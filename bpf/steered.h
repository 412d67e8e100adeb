/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Hypervisors: which network node a flow of a tenant's goes to. A flow keeps the one that it has while that one is up: the one that
 * this node chose, or the one that brought its last packet from the other side. New flows are shared out by Maglev.
 */
#pragma once
#include "maglev.h"
#include "steered_recall.h"

#define FLOW_NODES 65536
/* Bytes of what may be before a packet: more than outer headers have. */
#define INNER_AT_MAX 512

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_NODES);
	__type(key, struct flow_node_key);
	__type(value, struct flow_node);
} flow_nodes SEC(".maps");

struct flow_scratch {
	struct packet packet;
	struct flow_node_key key;
};
ARRAY(flow_scratches, BPF_MAP_TYPE_PERCPU_ARRAY, struct flow_scratch, 1);

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

/* The node that a new flow gets. steered: id of the target. */
static __always_inline __u32 new_flow_node(__u32 steered, const struct flow_key *key)
{
	__u32 place = steered >> STEERED_PLACE;

	return pick_node(steered & ((1 << STEERED_PLACE) - 1), place ? place - 1 : flow_hash(key), false);
}

/* Reads the packet at an offset of the frame. A function that the verifier walks through by itself, once, for every chain of extension headers. */
__noinline int read_inner(struct CTX *ctx, struct packet *packet, __u32 at, __u8 protocol)
{
	if (!packet || at > INNER_AT_MAX)
		return DROP_MALFORMED;
	return read_packet(packet, (void *)(long)ctx->data + at, (void *)(long)ctx->data_end, protocol);
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

/* Number of the encapsulation that leads back to the network node an arrived packet came by; 0: it came by none. source: outer. */
static __always_inline __u32 encap_back(const struct in6_addr *source, __u32 tenant)
{
	__u32 *node, *id;

	if (!use_gateways)
		return 0;
	node = bpf_map_lookup_elem(&node_sources, source);
	if (!node)
		return 0;
	id = find_gateway_encap(tenant, *node);
	return id ? *id : 0;
}

/* Replies follow: remembers the network node that brought a packet to a VM of this node. */
static __noinline int follow_packet(const struct packet *packet, __u32 tenant, __u32 node)
{
	__u32 zero = 0, now = ticks_now();
	struct flow_scratch *scratch = bpf_map_lookup_elem(&flow_scratches, &zero);
	struct flow_node *known;

	if (!scratch || !packet)
		return 0;
	if (packet->kind != PACKET_WHOLE && packet->kind != PACKET_FIRST_FRAGMENT)
		return 0;
	scratch->key.tenant = tenant;
	reverse_key(&scratch->key.flow, &packet->key);
	known = bpf_map_lookup_elem(&flow_nodes, &scratch->key);
	if (!known) {
		remember_node(scratch, node, now);
		return 0;
	}
	if (known->node != node) {
		known->node = node;
		forget_followed();
	}
	if (known->seen != now)
		known->seen = now;
	return 0;
}

/* The same of a packet that is to be read. source: outer, of the packet. */
static __noinline int follow_node(struct CTX *ctx, __u32 at, const struct in6_addr *source, __u32 tenant, __u8 protocol)
{
	__u32 zero = 0, *node = bpf_map_lookup_elem(&node_sources, source);
	struct flow_scratch *scratch;

	if (!node)
		return 0;
	scratch = bpf_map_lookup_elem(&flow_scratches, &zero);
	if (!scratch || read_inner(ctx, &scratch->packet, at, protocol) != REASON_FORWARDED)
		return 0;
	return follow_packet(&scratch->packet, tenant, *node);
}

/* The same of a packet that this node, a network node, brings to a VM of its own. node: its number */
static __always_inline void follow_self(const struct packet *packet, __u32 tenant, __u32 node)
{
	if (use_gateways)
		follow_packet(packet, tenant, node);
}

/* The same of a frame that arrived for a port, before it is decapsulated. */
static __always_inline void follow_arrival(struct CTX *ctx, __u32 outer_bytes, const struct inner *inner, __u32 tenant)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct in6_addr source;
	__u64 epoch;

	if (!use_gateways || (void *)(outer + 1) > data_end)
		return;
	epoch = epoch_now();
	/* What the verifier forgot of it on the way. */
	barrier_var(outer_bytes);
	if (outer_bytes > 255)
		return;
	source = outer->saddr;
	if (is_followed(inner, &source, tenant, epoch))
		return;
	follow_node(ctx, ETH_HLEN + outer_bytes, &source, tenant,
		    inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6);
	remember_followed(inner, &source, tenant, epoch);
}
