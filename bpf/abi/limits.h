/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sizes and numbers that programs and user space share: an enum, so that `make gen` writes them to TypeScript. */
#pragma once

enum limits {
	/* Segments of a path. */
	MAX_SEGMENTS = 4,
	/* Bytes of the SRH of the reduced encapsulation: the first segment is in the destination address (RFC 8754 section 4.1.1). */
	MAX_SRH_BYTES = (8 + 16 * (MAX_SEGMENTS - 1)),
	/* Next hops of a group. */
	MAX_NEXTHOPS = 16,
	/* Slots of a next hop group. A flow takes one by its hash; each next hop has as many as its weight says. */
	NEXTHOP_SLOTS = 128,
	/* Uplinks whose frames XDP takes; tcx takes the frames of all others. */
	MAX_UPLINKS = 8,

	/* Encapsulations, next hop groups, ports that are counted. */
	MAX_ENCAPS = 1 << 20,
	MAX_NEXTHOP_GROUPS = 65536,
	PORT_SLOTS = 16384,

	/* Entries of a set of a per-CPU cache. */
	CACHE_WAYS = 4,
	/* Sets, or entries, that each CPU has of a per-CPU cache, as powers of two: flows in each direction take 1 MB. */
	FLOW_CACHE_BITS = 12,
	ENCAP_CACHE_BITS = 10,
	PORT_CACHE_BITS = 8,
	SOURCE_CACHE_BITS = 10,
	/* Flows that a network node forwards: 1.5 MB a CPU. */
	NN_FLOW_CACHE_BITS = 11,

	/* Gateways of the intent, and their network nodes in all. */
	GATEWAYS = 64,
	NETWORK_NODES = 1024,
	/* Slots of a Maglev table. Maglev needs a prime; with up to 40 network nodes this one shares flows as evenly as 1 in 100. */
	MAGLEV_SLOTS = 4093,
	/* The number that means "none" where a network node's is expected: none is up. */
	NO_NETWORK_NODE = 0xffff,
	/* Flows whose network node a hypervisor keeps: cache lines, a power of two, and flows in each line. */
	GW_FLOW_LINES = 32768,
	GW_FLOW_WAYS = 8,

	/* Zones and policies that a network node has counters of. */
	ZONE_SLOTS = 4096,
	POLICY_SLOTS = 16384,
	POLICY_NAME_BYTES = 64,
	/* Seeds of the hash of flows: one for each 64-bit word of a flow_key, and one for its zone. */
	HASH_SEEDS = 6,
	/* Connections of a bucket. */
	CT_WAYS = 8,
	/* Ticks, in which programs time connections: nanoseconds since boot >> TICK_SHIFT, 1.07 s each. */
	TICK_SHIFT = 30,

	/* Bytes of a DHCPv4 template: BOOTP's 240 and the 308 of options that every client takes (RFC 2131 section 2), in words of 8. */
	DHCP4_MESSAGE_BYTES = 552,
	/* Of an option, in words of 8. */
	DHCP4_OPTION_BYTES = 264,
	/* Addresses of an IA_NA, prefixes of an IA_PD. */
	DHCP6_ADDRESSES = 8,
	/* 16 bytes of IA, and options of 28 or 29 bytes. */
	DHCP6_IA_BYTES = 248,
	/* Of the server identifier: DUID-LL of the gateway's MAC address. */
	DHCP6_SERVER_BYTES = 14,
	DHCP6_OPTIONS_BYTES = 504,
	RA_FRAME_BYTES = 504,

	/* Trace sessions at a time. */
	MAX_TRACE_SESSIONS = 4,
	/* Bytes of a packet that an event has at most: a jumbo frame. Twice of it and the header fit a per-CPU value (32 kB). */
	SNAP_MAX = 9216,
	/* The most reasons there can be: their numbers are bits of a mask. */
	REASON_BITS = 64,

	/* Zones of external networks have numbers from here on; tenant ids have 24 bits. */
	EXTERNAL_ZONE = 0x01000000,
	/* Bits of a gateway in the id of EP_VIA_GATEWAY. Those above: 0, or 1 + the slot of the Maglev table that all flows take. */
	GW_FIXED_SLOT_SHIFT = 16,
};

/* The number that means "none" where a slot is expected. No enumerator: BTF of clang 14 says -1 of it. */
#define NO_SLOT 0xffffffff
