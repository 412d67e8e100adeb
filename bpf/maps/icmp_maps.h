/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors: the rate limit of each port, and a buffer for the original datagram. */
#pragma once
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "abi/limits.h"
#include "maps/map_defs.h"

/* The bucket is empty as long as this lies ERROR_BURST intervals ahead. */
struct icmp_ratelimit {
	__u64 full_at_ns;
};

ARRAY(sg_icmp_rate, BPF_MAP_TYPE_ARRAY, struct icmp_ratelimit, PORT_SLOTS);

/* As much as fits a packet of 576 bytes (RFC 1812 section 4.3.2.3), or of IPv6's least MTU (RFC 4443 section 2.4 (c)). */
#define ORIG_DGRAM_MAX (576 - sizeof(struct iphdr) - 8)
#define ORIG_DGRAM6_MAX (1280 - sizeof(struct ipv6hdr) - 8)

/* Holds the original datagram while the frame is cut from the front. */
struct orig_dgram_buf {
	__u8 bytes[ORIG_DGRAM6_MAX];
};

ARRAY(sg_orig_buf, BPF_MAP_TYPE_PERCPU_ARRAY, struct orig_dgram_buf, 1);
