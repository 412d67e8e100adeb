/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Time, as connections and flows are timed by it. */
#pragma once
#include <bpf/bpf_helpers.h>
#include "abi/limits.h"

/* Nanoseconds since boot, in ticks of 1.07 s: timeouts do not need to know it better. */
static __always_inline __u32 ticks_now(void)
{
	return bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
}

/*
 * Of what CPUs remember for a while: 0.3 to 2.6 s each, as the kernel's HZ is. The JIT makes one load of it, where ticks_now() is a call of
 * 9 ns.
 */
static __always_inline __u32 moment_now(void)
{
	return bpf_jiffies64() >> 8;
}

#define SECONDS(n) ((__u32)((n) * 1000000000ULL >> TICK_SHIFT))
