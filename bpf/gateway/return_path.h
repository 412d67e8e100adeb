/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: replies take the network node that brought the question. */
#pragma once
#include "gateway/affinity.h"
#include "net/read_inner.h"

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
