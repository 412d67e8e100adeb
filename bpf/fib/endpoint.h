/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where an address is: exact match first, then the longest prefix. */
#pragma once
#include "maps/fastpath_maps.h"
#include "net/parse.h"

/* No tenant of this node has prefixes: a hash miss costs nothing more. Set before loading. */
const volatile bool use_prefixes = true;

static __always_inline struct target *find_target_of(__u32 tenant, __u32 family, const struct in6_addr *address)
{
	struct member_key key = { .tenant = tenant, .family = family, .address = *address };
	struct target *target = bpf_map_lookup_elem(&members, &key);

	if (!target && use_prefixes) {
		struct prefix_key prefix = {
			.length = 64 + (family == FAMILY_INET ? 32 : 128),
			.tenant = tenant,
			.family = family,
			.address = *address,
		};

		target = bpf_map_lookup_elem(&prefixes, &prefix);
		if (target && target->kind == TARGET_ABSENT)
			return NULL;
	}
	return target;
}

static __always_inline struct target *find_target(__u32 tenant, const struct inner *inner)
{
	return find_target_of(tenant, inner->family, &inner->dest);
}
