/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rate limit of the gateway's ICMP messages to a port's VM (`icmpRate`), by interface. A port without an entry has no limit. */
#pragma once
#include "maps/map_defs.h"

struct icmp_rate {
	__u32 per_second;
	__u32 unused;
	/* Written by the program. full_at_ns: time at which the bucket is full again; it is empty while that is nearly a second ahead. */
	__u64 full_at_ns;
	__u64 dropped;
};

HASH_RW(fastpath, sg_port_icmp, __u32, struct icmp_rate, 16384);
