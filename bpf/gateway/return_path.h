/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: replies take the network node that brought the question. */
#pragma once
#include "gateway/affinity.h"
#include "net/parse_flow.h"

/* Number of the encapsulation that leads back to the network node an arrived packet came by; 0: it came by none. source: outer. */
static __always_inline __u32 return_encap(const struct in6_addr *source, __u32 tenant)
{
	__u32 *node, *id;

	if (!use_gateways)
		return 0;
	node = bpf_map_lookup_elem(&sg_nn_src, source);
	if (!node)
		return 0;
	id = gw_encap_lookup(tenant, *node);
	return id ? *id : 0;
}

/* Notes the network node that brought a packet to a VM of this node: replies take the same one. */
static __noinline int learn_return_path(const struct packet *packet, __u32 tenant, __u32 node)
{
	__u32 zero = 0, now = now_ticks();
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);
	struct gw_flow_affinity *known;

	if (!scratch || !packet)
		return 0;
	if (packet->type != PACKET_WHOLE && packet->type != PACKET_FIRST_FRAGMENT)
		return 0;
	scratch->key.tenant = tenant;
	reverse_key(&scratch->key.flow, &packet->key);
	known = bpf_map_lookup_elem(&sg_gw_affinity, &scratch->key);
	if (!known) {
		gw_affinity_insert(scratch, node, now);
		return 0;
	}
	if (known->node != node) {
		known->node = node;
		gw_flow_cache_invalidate();
	}
	if (known->seen != now)
		known->seen = now;
	return 0;
}

/* The same of a packet that is to be read. source: outer, of the packet. */
static __noinline int learn_return_path_of(struct CTX *ctx, __u32 at, const struct in6_addr *source, __u32 tenant, __u8 protocol)
{
	__u32 zero = 0, *node = bpf_map_lookup_elem(&sg_nn_src, source);
	struct gw_flow_buf *scratch;

	if (!node)
		return 0;
	scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);
	if (!scratch || parse_packet(ctx, &scratch->packet, at, protocol) != REASON_FORWARDED)
		return 0;
	return learn_return_path(&scratch->packet, tenant, *node);
}

/* The same of a packet that this node, a network node, brings to a VM of its own. node: its number */
static __always_inline void learn_return_path_self(const struct packet *packet, __u32 tenant, __u32 node)
{
	if (use_gateways)
		learn_return_path(packet, tenant, node);
}

/* The same of a frame that arrived for a port, before it is decapsulated. */
static __always_inline void learn_return_path_decap(struct CTX *ctx, __u32 outer_bytes, const struct inner *inner, __u32 tenant)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct in6_addr source;
	__u64 generation;

	if (!use_gateways || (void *)(outer + 1) > data_end)
		return;
	generation = cache_generation_now();
	/* Checks the bound again: the verifier lost it across the call. */
	barrier_var(outer_bytes);
	if (outer_bytes > 255)
		return;
	source = outer->saddr;
	if (return_path_cache_lookup(inner, &source, tenant, generation))
		return;
	learn_return_path_of(ctx, ETH_HLEN + outer_bytes, &source, tenant, inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6);
	return_path_cache_insert(inner, &source, tenant, generation);
}
