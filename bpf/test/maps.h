/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Layouts of the test maps, with everything that generated codecs must handle: network order, padding, enums, nesting. */
#pragma once
#include <linux/in6.h>
#include <linux/types.h>
#include <stdbool.h>

enum event_kind {
	EVENT_FRAME,
	EVENT_TEST,
	EVENT_LWT,
};

struct endpoint_key {
	__u32 tenant;
	struct in6_addr address;
};

struct next_hop {
	__u8 source_mac[6];
	__u8 dest_mac[6];
	__u32 ifindex;
};

/* Aligned to 8 bytes, as map values are. Has two holes. */
struct endpoint {
	struct in6_addr sid;
	struct next_hop paths[2];
	__be16 port;
	__u8 path_count;
	bool local;
	enum event_kind last;
	__s32 weight;
	__be32 flow_label;
	__u64 packets;
	union {
		__be32 gateway4;
		struct in6_addr gateway6;
	};
	__s8 level;
} __attribute__((aligned(8)));

struct counters {
	__u64 packets;
	__u64 bytes;
};

struct prefix_key {
	__u32 prefix_len;
	__be32 tenant;
	__u8 address[16];
};

struct event {
	enum event_kind kind;
	__u32 bytes;
	__be16 ethertype;
	__u8 source[6];
	__u32 tenant;
	__u32 padding;
};
