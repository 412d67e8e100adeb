/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Looks up the endpoint of an address: exact match first, then the longest prefix. */
#pragma once
#include "maps/fastpath_maps.h"
#include "net/parse.h"

/* Whether a tenant of this node has prefixes; if not, a hash miss costs no trie lookup. Set before loading. */
const volatile bool use_prefixes = true;

static __always_inline struct endpoint *lookup_endpoint_of(__u32 tenant, __u32 family, const struct in6_addr *address)
{
	struct endpoint_key key = { .tenant = tenant, .family = family, .address = *address };
	struct endpoint *endpoint = bpf_map_lookup_elem(&sg_endpoints, &key);

	if (!endpoint && use_prefixes) {
		struct prefix_key prefix = {
			.length = 64 + (family == FAMILY_INET ? 32 : 128),
			.tenant = tenant,
			.family = family,
			.address = *address,
		};

		endpoint = bpf_map_lookup_elem(&sg_endpoint_lpm, &prefix);
		if (endpoint && endpoint->type == EP_BLACKHOLE)
			return NULL;
	}
	return endpoint;
}

static __always_inline struct endpoint *lookup_endpoint(__u32 tenant, const struct inner *inner)
{
	return lookup_endpoint_of(tenant, inner->family, &inner->dest);
}
