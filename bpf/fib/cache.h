/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Per-CPU caches of what lookups found, for the next packets: a hash lookup costs 25 to 35 ns, and a packet takes up to five. What is
 * remembered holds until a map changes, which is another epoch. A CPU reads and writes its own part alone, and programs run with softirqs
 * off: none is interrupted by another at its place.
 */
#pragma once
#include "maps/fastpath_maps.h"

static __always_inline __u64 epoch_now(void)
{
	__u32 zero = 0;
	struct epoch *epoch = bpf_map_lookup_elem(&epochs, &zero);

	return epoch ? *(volatile __u64 *)&epoch->number : 0;
}

/* Where this CPU has what belongs to a key. */
static __always_inline __u32 memory_index(__u64 key, __u32 bits)
{
	return (bpf_get_smp_processor_id() << bits) | (__u32)(key * 0x9e3779b97f4a7c15ULL >> (64 - bits));
}
