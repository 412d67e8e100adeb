/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses of the SR domain (RFC 8754 section 5.1): SID block, trusted prefixes, services' prefix. Nobody outside may send to them, or from them. */
#pragma once
#include "maps/fastpath_maps.h"
#include "net/parse.h"

static __always_inline bool in_sid_block(const struct in6_addr *address, const struct node *node)
{
	const __u32 *word = address->in6_u.u6_addr32;
	const __u32 *block = node->sid_block.in6_u.u6_addr32;
	const __u32 *mask = node->sid_mask.in6_u.u6_addr32;

	return !(((word[0] & mask[0]) ^ block[0]) | ((word[1] & mask[1]) ^ block[1]) | ((word[2] & mask[2]) ^ block[2]) |
		 ((word[3] & mask[3]) ^ block[3]));
}

/* Whether an address is in the SR domain. A global function: verified once. */
__noinline int is_domain_address(const struct in6_addr *address)
{
	__u32 zero = 0;
	const struct node *node = bpf_map_lookup_elem(&sg_node, &zero);
	struct trusted_key key = { .length = 128 };

	if (!address || !node)
		return 0;
	if (in_sid_block(address, node))
		return 1;
	if (node->service_prefix && address->in6_u.u6_addr32[0] == node->service_prefix)
		return 1;
	if (!node->has_trusted)
		return 0;
	key.address = *address;
	return bpf_map_lookup_elem(&sg_trusted, &key) != NULL;
}

/* Whether a packet is to or from the SR domain. */
static __always_inline bool touches_domain(const struct inner *inner)
{
	return inner->family == FAMILY_INET6 && (is_domain_address(&inner->dest) || is_domain_address(&inner->source));
}
