/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The clocks of connections and flow caches. */
#pragma once
#include <bpf/bpf_helpers.h>
#include "abi/limits.h"

/* Time since boot in ticks of 1.07 s, which is precise enough for timeouts. */
static __always_inline __u32 now_ticks(void)
{
	return bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
}

/*
 * The clock of per-CPU flow caches, in steps of 256 jiffies: 0.3 to 2.6 s depending on HZ. The JIT inlines it as one load, while now_ticks() is a
 * call of 9 ns.
 */
static __always_inline __u32 coarse_jiffies(void)
{
	return bpf_jiffies64() >> 8;
}

#define SECONDS(n) ((__u32)((n)*1000000000ULL >> TICK_SHIFT))
