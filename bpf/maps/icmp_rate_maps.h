/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How many ICMP messages the gateway answers each port's VM with (`icmpRate`), by interface. A port without an entry has no bound. */
#pragma once
#include "maps/map_defs.h"

struct icmp_rate {
	__u32 per_second;
	__u32 unused;
	/* Written by the program: the bucket is empty as long as the first lies a second ahead. */
	__u64 full_at_ns;
	__u64 dropped;
};

HASH(sg_port_icmp, __u32, struct icmp_rate, 16384);
