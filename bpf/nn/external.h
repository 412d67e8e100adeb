/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* External networks: the next hop towards a destination beyond an interface, and the zone of a source there. */
#pragma once
#include <linux/bpf.h>
#include "maps/nn_maps.h"
#include "net/parse.h"

#define LINUX_AF_INET 2
#define LINUX_AF_INET6 10

/*
 * The next hop by the kernel's routes and neighbours. PUNT_UNRESOLVED: no neighbour entry yet. PUNT_NO_MEMBER: the route does not leave by
 * `ifindex`, or forwarding is off at `ingress`.
 */
static __always_inline enum reason external_nexthop_lookup(void *ctx, const struct inner *inner, __u32 ingress, __u32 ifindex, __u8 *dest_mac,
							   __u8 *source_mac)
{
	struct bpf_fib_lookup fib = { .ifindex = ingress, .tot_len = inner->length };
	int result;

	if (inner->family == FAMILY_INET) {
		fib.family = LINUX_AF_INET;
		fib.ipv4_src = inner->source.in6_u.u6_addr32[0];
		fib.ipv4_dst = inner->dest.in6_u.u6_addr32[0];
	} else {
		fib.family = LINUX_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &inner->source, sizeof(inner->source));
		__builtin_memcpy(fib.ipv6_dst, &inner->dest, sizeof(inner->dest));
	}
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (result == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return PUNT_TOO_BIG;
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return PUNT_NO_MEMBER;
	if (fib.ifindex != ifindex)
		return PUNT_NO_MEMBER;
	if (result == BPF_FIB_LKUP_RET_NO_NEIGH)
		return PUNT_UNRESOLVED;
	__builtin_memcpy(dest_mac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(source_mac, fib.smac, ETH_ALEN);
	return REASON_FORWARDED;
}

/* The zone of a packet's source at an external interface; NULL: the source is not allowed there. */
static __always_inline struct zone *external_zone_lookup(__u32 ifindex, const struct inner *inner)
{
	struct external_src_key key = {
		.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
		.ifindex = ifindex,
		.family = inner->family,
		.address = inner->source,
	};

	return bpf_map_lookup_elem(&sg_ext_src, &key);
}
