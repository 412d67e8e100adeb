/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whose encapsulated packets are taken: those of the SR domain's nodes (RFC 8754 section 5.1). A node's forged source cannot be told from
 * the real one here; the fabric's host ports filter it (docs/security.md).
 */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

/* `sourceCheck`. Set before loading. */
const volatile bool check_sources = true;

/* How a packet came to an uplink's program. */
enum entrance {
	ENTERED_XDP,  /* from the wire, at XDP */
	ENTERED_TC,   /* from the wire, at tcx */
	ENTERED_SELF, /* from a port of this node, with MARK_SELF */
};

static __always_inline struct known_source *known_source(const struct in6_addr *source)
{
	const __u64 *word = (const void *)source;
	__u32 index = memory_index(word[0] + word[1] * 0xff51afd7ed558ccdULL, KNOWN_SOURCE_BITS);

	return bpf_map_lookup_elem(&known_sources, &index);
}

/* A function of its own: the stack that its keys take is no caller's. */
__noinline int find_domain_source(const struct in6_addr *source, __u64 epoch)
{
	struct trusted_key key = { .length = 128 };
	struct known_source *known;

	if (!source)
		return false;
	key.address = *source;
	if (!bpf_map_lookup_elem(&domain_sources, source) &&
	    !bpf_map_lookup_elem(&trusted_prefixes, &key))
		return false;
	known = known_source(source);
	if (known) {
		known->epoch = epoch;
		copy_address(&known->source, source);
	}
	return true;
}

static __always_inline bool is_domain_source(const struct in6_addr *source, __u64 epoch)
{
	const struct known_source *known = known_source(source);

	if (known && epoch && known->epoch == epoch && same_address(&known->source, source))
		return true;
	return find_domain_source(source, epoch);
}

static __always_inline bool is_own_source(const struct in6_addr *source)
{
	__u32 zero = 0;
	const struct node *node = bpf_map_lookup_elem(&nodes, &zero);

	return node && same_address(&node->source, source);
}

/* Encapsulates nothing: TCP and UDP of the underlay's own, and what routers and hosts tell of. */
static __always_inline bool is_plain(__u8 next_header)
{
	return next_header == IPPROTO_ICMPV6 || next_header == IPPROTO_TCP || next_header == IPPROTO_UDP;
}

/*
 * May what arrived for a SID of ours come from there? XDP does not see marks: what has the node's own source is left to tcx (REASON_COUNT),
 * where it is valid with the mark alone.
 */
static __always_inline enum reason check_outer_source(const struct ipv6hdr *outer, __u64 epoch, enum entrance entrance)
{
	if (!check_sources || entrance == ENTERED_SELF || is_plain(outer->nexthdr))
		return REASON_FORWARDED;
	if (is_domain_source(&outer->saddr, epoch))
		return REASON_FORWARDED;
	if (entrance == ENTERED_XDP && is_own_source(&outer->saddr))
		return REASON_COUNT;
	return DROP_UNTRUSTED_SOURCE;
}

/* Is the frame for this uplink, as eth_type_trans() judges it? An uplink that is not known here has none: its frames meet tcx. */
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
