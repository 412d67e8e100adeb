/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Encapsulated packets are accepted from the SR domain's nodes only (RFC 8754 section 5.1). A forged source of a node looks like the real one here;
 * the fabric's host ports filter it (docs/security.md).
 */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

/* `sourceCheck`. Set before loading. */
const volatile bool check_sources = true;

/* How a packet came to an uplink's program. */
enum arrival_path {
	FROM_WIRE_XDP, /* from the wire, at XDP */
	FROM_WIRE_TC, /* from the wire, at tcx */
	FROM_LOOPBACK, /* from a port of this node, with MARK_LOOPBACK */
};

static __always_inline struct source_cache_entry *source_cache_entry(const struct in6_addr *source)
{
	const __u64 *word = (const void *)source;
	__u32 index = cache_index(word[0] + word[1] * 0xff51afd7ed558ccdULL, SOURCE_CACHE_BITS);

	return bpf_map_lookup_elem(&sg_source_cache, &index);
}

/* A function of its own, so that its keys are not on the callers' stacks. */
__noinline int domain_source_lookup(const struct in6_addr *source, __u64 generation)
{
	struct trusted_key key = { .length = 128 };
	struct source_cache_entry *known;

	if (!source)
		return false;
	key.address = *source;
	if (!bpf_map_lookup_elem(&sg_domain_src, source) && !bpf_map_lookup_elem(&sg_trusted, &key))
		return false;
	known = source_cache_entry(source);
	if (known) {
		known->generation = generation;
		copy_address(&known->source, source);
		known->network_node = 0;
	}
	return true;
}

static __always_inline bool is_domain_source(const struct in6_addr *source, __u64 generation)
{
	const struct source_cache_entry *known = source_cache_entry(source);

	if (known && generation && known->generation == generation && same_address(&known->source, source))
		return true;
	return domain_source_lookup(source, generation);
}

static __always_inline bool is_node_source(const struct in6_addr *source)
{
	__u32 zero = 0;
	const struct node *node = bpf_map_lookup_elem(&sg_node, &zero);

	return node && same_address(&node->source, source);
}

/* Whether there is no inner packet: TCP, UDP and ICMPv6 of the underlay itself. */
static __always_inline bool is_plain(__u8 next_header)
{
	return next_header == IPPROTO_ICMPV6 || next_header == IPPROTO_TCP || next_header == IPPROTO_UDP;
}

/*
 * Checks the outer source of a packet for a SID of this node. XDP does not see marks: a packet with the node's own source is left to tcx
 * (REASON_COUNT), which accepts it only with MARK_LOOPBACK.
 */
static __always_inline enum reason check_outer_source(const struct ipv6hdr *outer, __u64 generation, enum arrival_path arrival_path)
{
	if (!check_sources || arrival_path == FROM_LOOPBACK || is_plain(outer->nexthdr))
		return REASON_FORWARDED;
	if (is_domain_source(&outer->saddr, generation))
		return REASON_FORWARDED;
	if (arrival_path == FROM_WIRE_XDP && is_node_source(&outer->saddr))
		return REASON_COUNT;
	return DROP_UNTRUSTED_SOURCE;
}

/* Whether a frame is to the uplink's MAC address, as in eth_type_trans(). False for an uplink that is not in sg_node: its frames go on to tcx. */
static __always_inline bool is_for_uplink(const struct ethhdr *eth, const struct node *node, __u32 ifindex)
{
	const __u16 *to = (const __u16 *)eth->h_dest;
	int i;

#pragma unroll
	for (i = 0; i < MAX_UPLINKS; i++) {
		const __u16 *mac = (const __u16 *)node->uplinks[i].mac;

		if (node->uplinks[i].ifindex == ifindex)
			return !((to[0] ^ mac[0]) | (to[1] ^ mac[1]) | (to[2] ^ mac[2]));
	}
	return false;
}
