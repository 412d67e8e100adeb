/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Per-CPU caches of lookup results: a hash lookup costs 25 to 35 ns, and a packet takes up to five. An entry is valid while its generation is
 * the current one: any writer of a lookup map must invalidate the caches (src/ebpf/epoch.ts). A CPU reads and writes its own part only, and
 * programs run with softirqs off, so that none interrupts another.
 */
#pragma once
#include "maps/fastpath_maps.h"

static __always_inline __u64 cache_generation_now(void)
{
	__u32 zero = 0;
	struct cache_generation *generation = bpf_map_lookup_elem(&sg_cache_gen, &zero);

	return generation ? *(volatile __u64 *)&generation->number : 0;
}

/* The index of a key in this CPU's part of a cache of 1 << bits entries. */
static __always_inline __u32 cache_index(__u64 key, __u32 bits)
{
	return (bpf_get_smp_processor_id() << bits) | (__u32)(key * 0x9e3779b97f4a7c15ULL >> (64 - bits));
}
