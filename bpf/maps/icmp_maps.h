/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors: how many of them a port is the cause of, and where a quote lies while its frame is cut. */
#pragma once
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "maps/map_defs.h"

/* The bucket is empty as long as this lies ERROR_BURST intervals ahead. */
struct limit {
	__u64 full_at_ns;
};

ARRAY(limits, BPF_MAP_TYPE_ARRAY, struct limit, 16384);

/* As much as fits a packet of 576 bytes (RFC 1812 section 4.3.2.3), or of IPv6's least MTU (RFC 4443 section 2.4 (c)). */
#define QUOTE_INET (576 - sizeof(struct iphdr) - 8)
#define QUOTE_INET6 (1280 - sizeof(struct ipv6hdr) - 8)

/* Where a quote lies while its frame is cut from the front. */
struct quote_space {
	__u8 bytes[QUOTE_INET6];
};

ARRAY(quote_spaces, BPF_MAP_TYPE_PERCPU_ARRAY, struct quote_space, 1);
