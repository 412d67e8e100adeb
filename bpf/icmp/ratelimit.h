/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How many errors a port is the cause of: a token bucket each (RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8). */
#pragma once
#include "maps/icmp_maps.h"

#define ERRORS_PER_SECOND 100
#define ERROR_BURST 50
#define ERROR_INTERVAL_NS (1000000000ULL / ERRORS_PER_SECOND)

/* Takes a token of a port's; false: there is none. */
static __always_inline bool within_limit(__u32 slot)
{
	struct limit *limit = bpf_map_lookup_elem(&limits, &slot);
	__u64 now = bpf_ktime_get_ns();
	__u64 before, from;

	if (!limit)
		return false;
	before = limit->full_at_ns;
	from = before > now ? before : now;
	if (from - now > (ERROR_BURST - 1) * ERROR_INTERVAL_NS)
		return false;
	/* Where another CPU took this token, this packet goes without. */
	return __sync_val_compare_and_swap(&limit->full_at_ns, before, from + ERROR_INTERVAL_NS) == before;
}
