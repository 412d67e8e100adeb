/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rate limit of ICMP errors, a token bucket for each port or zone that causes them (RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8). */
#pragma once
#include "maps/icmp_maps.h"

#define ERRORS_PER_SECOND 100
#define ERROR_BURST 50
#define ERROR_INTERVAL_NS (1000000000ULL / ERRORS_PER_SECOND)

/* Takes a token from the bucket of a port's or zone's slot. Returns false if there is none. */
static __always_inline bool icmp_ratelimit_take(__u32 slot)
{
	struct icmp_ratelimit *limit = bpf_map_lookup_elem(&sg_icmp_rate, &slot);
	__u64 now = bpf_ktime_get_ns();
	__u64 before, from;

	if (!limit)
		return false;
	before = limit->full_at_ns;
	from = before > now ? before : now;
	if (from - now > (ERROR_BURST - 1) * ERROR_INTERVAL_NS)
		return false;
	/* If another CPU took this token, no error is sent for this packet. */
	return __sync_val_compare_and_swap(&limit->full_at_ns, before, from + ERROR_INTERVAL_NS) == before;
}
