/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From an encapsulation's id to what is written and where it goes. */
#pragma once
#include "fib/cache.h"
#include "net/parse.h"

/* H.Encaps.Red of a packet, with what it takes. */
struct way {
	const struct in6_addr *first; /* segment */
	const struct encap *srh;      /* what has the SRH; NULL: there is none */
	const struct hop *hop;
	const struct port *port;
};

/*
 * The next hop that a flow takes; NULL while none is resolved. The bits of the hash that choose it are none of the flow label's, by which the
 * underlay's routers choose.
 */
static __always_inline const struct hop *choose_hop(const struct hop *hops, const __u8 *slots, __u32 count, __u32 hash)
{
	__u32 slot = hash >> 20 & (HOP_SLOTS - 1);

	if (!count)
		return NULL;
	if (count == 1)
		return hops;
	return &hops[slots[slot / 2] >> (slot & 1) * 4 & (MAX_HOPS - 1)];
}

static __always_inline enum reason find_way(struct way *way, __u32 id, const struct inner *inner, const struct port *port, __u64 epoch)
{
	__u32 index = memory_index(id, KNOWN_WAY_BITS);
	struct known_way *known = bpf_map_lookup_elem(&known_ways, &index);
	const struct underlay *underlay;
	const struct encap *encap;

	way->port = port;
	if (known && epoch && known->epoch == epoch && known->encap == id) {
		way->first = &known->first;
		way->hop = choose_hop(known->hops, known->slots, known->count, inner->hash);
		way->srh = NULL;
		return way->hop ? REASON_FORWARDED : PUNT_UNRESOLVED;
	}
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return PUNT_NO_MEMBER;
	underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);
	if (!underlay || !underlay->count)
		return PUNT_UNRESOLVED;
	way->first = &encap->first;
	way->hop = choose_hop(underlay->hops, underlay->slots, underlay->count, inner->hash);
	way->srh = encap;
	if (known && !encap->srh_bytes) {
		known->epoch = epoch;
		known->encap = id;
		known->count = underlay->count;
		copy_address(&known->first, &encap->first);
		if (underlay->count == 1) {
			known->hops[0] = underlay->hops[0];
		} else {
			__builtin_memcpy(known->hops, underlay->hops, sizeof(known->hops));
			__builtin_memcpy(known->slots, underlay->slots, sizeof(known->slots));
		}
	}
	return way->hop ? REASON_FORWARDED : PUNT_UNRESOLVED;
}

/* The way to an encapsulation's first segment that a flow takes; NULL while none is resolved. */
static __always_inline const struct hop *find_hop(const struct encap *encap, __u32 hash)
{
	struct underlay *underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);

	return underlay ? choose_hop(underlay->hops, underlay->slots, underlay->count, hash) : NULL;
}

/* The way of an encapsulation that a packet takes; NULL while none is resolved. */
static __always_inline const struct hop *hop_of(const struct encap *encap, const struct inner *inner)
{
	const struct underlay *underlay = bpf_map_lookup_elem(&underlays, &encap->underlay);

	return underlay ? choose_hop(underlay->hops, underlay->slots, underlay->count, inner->hash) : NULL;
}
