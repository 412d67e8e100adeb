/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors: the rate limit of each port or zone, and a buffer for the original datagram. */
#pragma once
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "abi/limits.h"
#include "maps/map_defs.h"

/* The time at which the bucket is full again. The bucket is empty while this is more than ERROR_BURST - 1 intervals ahead. */
struct icmp_ratelimit {
	__u64 full_at_ns;
};

ARRAY_RW(own, sg_icmp_rate, struct icmp_ratelimit, PORT_SLOTS);

/* As much as fits an error of 576 bytes (RFC 1812 section 4.3.2.3), or of IPv6's minimum MTU (RFC 4443 section 2.4 (c)). */
#define ORIG_DGRAM_MAX (576 - sizeof(struct iphdr) - 8)
#define ORIG_DGRAM6_MAX (1280 - sizeof(struct ipv6hdr) - 8)

/* Holds the original datagram while relocate_orig_dgram() removes bytes at the front of the frame. */
struct orig_dgram_buf {
	__u8 bytes[ORIG_DGRAM6_MAX];
};

SCRATCH(sg_orig_buf, struct orig_dgram_buf);
