/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hypervisors: replies take the network node that brought the request. */
#pragma once
#include "gateway/affinity.h"
#include "net/parse_flow.h"
#include "srv6/outer_source.h"

/* Number of the encapsulation back to the network node that an arrived packet came by; 0: it came by none. source: outer */
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
	__u32 zero = 0;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);

	if (!scratch || !packet)
		return 0;
	if (packet->type != PACKET_WHOLE && packet->type != PACKET_FIRST_FRAGMENT)
		return 0;
	scratch->key.tenant = tenant;
	reverse_key(&scratch->key.flow, &packet->key);
	return gw_affinity_insert(scratch, node, now_ticks());
}

/* The same, for a packet whose ports were parsed. */
static __noinline int learn_return_path_inner(const struct inner *inner, __u32 tenant, __u32 node)
{
	__u32 zero = 0;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);

	if (!scratch || !inner)
		return 0;
	gw_flow_key_of(&scratch->key, inner, tenant, true);
	return gw_affinity_insert(scratch, node, now_ticks());
}

/* The same, for the packet at an offset of the frame, which this function parses. */
static __noinline int learn_return_path_of(struct CTX *ctx, __u32 at, __u32 tenant, __u8 protocol, __u32 node)
{
	__u32 zero = 0;
	struct gw_flow_buf *scratch = bpf_map_lookup_elem(&sg_gw_flow_buf, &zero);

	if (!scratch || parse_packet(ctx, &scratch->packet, at, protocol) != REASON_FORWARDED)
		return 0;
	return learn_return_path(&scratch->packet, tenant, node);
}

/* The same, for a packet that this node, itself a network node, delivers to one of its VMs. node: its number */
static __always_inline void learn_return_path_self(const struct packet *packet, __u32 tenant, __u32 node)
{
	if (use_gateways)
		learn_return_path(packet, tenant, node);
}

/* Number of the network node that has an outer source; NO_NETWORK_NODE: none has it. */
static __noinline __u32 network_node_of(const struct in6_addr *source, __u64 generation)
{
	struct source_cache_entry *known;
	__u32 *node, number;

	if (!source)
		return NO_NETWORK_NODE;
	known = source_cache_entry(source);
	if (known && !(generation && known->generation == generation && same_address(&known->source, source)))
		known = NULL;
	if (known && known->network_node)
		return known->network_node - 1;
	node = bpf_map_lookup_elem(&sg_nn_src, source);
	number = node ? *node : NO_NETWORK_NODE;
	if (known)
		known->network_node = number + 1;
	return number;
}

/* This CPU's entry for a flow, of that one or of another. 16 kB: entries of whole flows, 64 bytes each, fit no L1 cache where flows are many. */
static __always_inline __u64 *learnt_entry_of(const struct inner *inner)
{
	__u32 index = inner->hash * 0x9e3779b9u >> (32 - LEARNT_BITS);

	return bpf_map_lookup_elem(&sg_gw_learnt, &index);
}

/*
 * What the entry of a learnt flow holds: NH of the flow (flow_key.h), plus its network node and what the entry lapses with. For two flows that were
 * chosen without knowledge of the seeds, one in 2^32 seeds makes them equal, as in sg_gw_affinity. Never 0, which an unused entry holds. The factors are
 * odd and have no small multiple in common.
 */
static __always_inline __u64 learnt_value(const struct inner *inner, __u32 tenant, const struct in6_addr *outer_source, __u64 generation,
					  const __u64 *seeds)
{
	const __u64 *source = (const void *)&inner->source, *dest = (const void *)&inner->dest, *outer = (const void *)outer_source;
	__u64 rest = (__u64)(inner->family << 8 | inner->protocol) << 32 | inner->ports;
	__u64 value = nh_word(source[0], seeds[0]) + nh_word(source[1], seeds[1]) + nh_word(dest[0], seeds[2]) + nh_word(dest[1], seeds[3]) +
		      nh_word(rest, seeds[4]) + nh_word(tenant, seeds[5]);

	value += outer[0] * 0x165667b19e3779f9ULL + outer[1] * 0x27d4eb2f165667c5ULL;
	value += generation + gw_flow_generation_now() * 0x9e3779b97f4a7c15ULL + coarse_jiffies() * 0xc2b2ae3d27d4eb4fULL;
	return value ? value : 1;
}

/*
 * learn_return_path() for a frame that arrived for a port, before it is decapsulated. A flow that this CPU has learnt within the last 256 jiffies is not
 * learnt again: its keyed hash and its line of the table cost 50 ns. An entry lapses with the caches of lookups, and when any flow takes another
 * network node.
 */
static __always_inline void learn_return_path_decap(struct CTX *ctx, __u32 outer_bytes, const struct inner *inner, __u32 tenant)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	__u64 generation, value = 0, *learnt = NULL;
	struct gw_seeds *seeds;
	struct in6_addr source;
	__u32 node, zero = 0;

	if (!use_gateways || (void *)(outer + 1) > data_end)
		return;
	source = outer->saddr;
	generation = cache_generation_now();
	if (inner->ports && generation) {
		learnt = learnt_entry_of(inner);
		seeds = bpf_map_lookup_elem(&sg_gw_seeds, &zero);
		if (!learnt || !seeds)
			return;
		/* Computed before the flow is learnt, which may make it lapse. */
		value = learnt_value(inner, tenant, &source, generation, seeds->seeds);
		if (*learnt == value)
			return;
	}
	node = network_node_of(&source, generation);
	if (node == NO_NETWORK_NODE)
		return;
	if (inner->ports) {
		learn_return_path_inner(inner, tenant, node);
		if (learnt)
			*learnt = value;
		return;
	}
	/* Checks the bound again: the verifier lost it across the call. */
	barrier_var(outer_bytes);
	if (outer_bytes > 255)
		return;
	learn_return_path_of(ctx, ETH_HLEN + outer_bytes, tenant, inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6, node);
}
