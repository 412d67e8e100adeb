/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Resolves an encapsulation's id to its headers and its next hop. */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

/* The input of H.Encaps.Red for a packet. */
struct encap_nexthop {
	const struct in6_addr *first; /* segment */
	const struct encap *srh; /* has the SRH; NULL: no SRH */
	const struct nexthop *hop;
	const struct port *port;
};

/*
 * The next hop that a flow takes; NULL while none is resolved. It is chosen by other bits of the hash than the flow label has, by which the
 * underlay's routers choose theirs.
 */
static __always_inline const struct nexthop *select_nexthop(const struct nexthop *hops, const __u8 *slots, __u32 count, __u32 hash)
{
	__u32 slot = hash >> 20 & (NEXTHOP_SLOTS - 1);

	if (!count)
		return NULL;
	if (count == 1)
		return hops;
	return &hops[slots[slot / 2] >> (slot & 1) * 4 & (MAX_NEXTHOPS - 1)];
}

static __always_inline enum reason resolve_nexthop(struct encap_nexthop *via, __u32 id, const struct inner *inner, const struct port *port,
						   __u64 generation)
{
	__u32 index = cache_index(id, ENCAP_CACHE_BITS);
	struct encap_cache_entry *known = bpf_map_lookup_elem(&sg_encap_cache, &index);
	const struct nexthop_group *nexthop_group;
	const struct encap *encap;

	via->port = port;
	if (known && generation && known->generation == generation && known->encap == id) {
		via->first = &known->first;
		via->hop = select_nexthop(known->hops, known->slots, known->count, inner->hash);
		via->srh = NULL;
		return via->hop ? REASON_FORWARDED : PUNT_UNRESOLVED;
	}
	encap = bpf_map_lookup_elem(&sg_encaps, &id);
	if (!encap)
		return PUNT_NO_MEMBER;
	nexthop_group = bpf_map_lookup_elem(&sg_nh_groups, &encap->nexthop_group);
	if (!nexthop_group || !nexthop_group->count)
		return PUNT_UNRESOLVED;
	via->first = &encap->first;
	via->hop = select_nexthop(nexthop_group->hops, nexthop_group->slots, nexthop_group->count, inner->hash);
	via->srh = encap;
	if (known && !encap->srh_bytes) {
		known->generation = generation;
		known->encap = id;
		known->count = nexthop_group->count;
		copy_address(&known->first, &encap->first);
		if (nexthop_group->count == 1) {
			known->hops[0] = nexthop_group->hops[0];
		} else {
			__builtin_memcpy(known->hops, nexthop_group->hops, sizeof(known->hops));
			__builtin_memcpy(known->slots, nexthop_group->slots, sizeof(known->slots));
		}
	}
	return via->hop ? REASON_FORWARDED : PUNT_UNRESOLVED;
}

/* The next hop towards an encapsulation's first segment, by a flow's hash; NULL while none is resolved. */
static __always_inline const struct nexthop *encap_nexthop_of(const struct encap *encap, __u32 hash)
{
	struct nexthop_group *nexthop_group = bpf_map_lookup_elem(&sg_nh_groups, &encap->nexthop_group);

	return nexthop_group ? select_nexthop(nexthop_group->hops, nexthop_group->slots, nexthop_group->count, hash) : NULL;
}

/* The same, by a packet's hash. */
static __always_inline const struct nexthop *nexthop_of(const struct encap *encap, const struct inner *inner)
{
	const struct nexthop_group *nexthop_group = bpf_map_lookup_elem(&sg_nh_groups, &encap->nexthop_group);

	return nexthop_group ? select_nexthop(nexthop_group->hops, nexthop_group->slots, nexthop_group->count, inner->hash) : NULL;
}
