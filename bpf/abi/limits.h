/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sizes that programs and user space share. */
#pragma once

/* Segments of a path. */
#define MAX_SEGMENTS 4
/* Bytes of the SRH for the reduced encapsulation of MAX_SEGMENTS: the first segment is in the destination address (RFC 8754 section 4.1.1). */
#define MAX_SRH_BYTES (8 + 16 * (MAX_SEGMENTS - 1))
/* Next hops of a group. */
#define MAX_HOPS 16
/* Slots of a next hop group. A flow takes one by its hash; each next hop has as many as its weight says. */
#define HOP_SLOTS 128
/* Uplinks whose frames XDP takes; tcx takes those of further ones. */
#define MAX_UPLINKS 8

/* Entries of a set of a per-CPU cache. */
#define FLOWS_A_SET 4
/* Sets, or entries, that each CPU has of a per-CPU cache, as powers of two: flows in each direction take 1 MB. */
#define FLOW_SET_BITS 12
#define KNOWN_WAY_BITS 10
#define KNOWN_PORT_BITS 8
#define KNOWN_SOURCE_BITS 10
/* Flows that network nodes brought: 0.6 MB a CPU. */
#define FOLLOWED_SET_BITS 11
/* Flows that a network node forwards: 1.5 MB a CPU. */
#define PASSED_SET_BITS 11

/* Gateways of the cloud, and network nodes of them all. */
#define GATEWAYS 64
#define NETWORK_NODES 1024
/* Slots of a Maglev table. Maglev needs a prime; with up to 40 network nodes this one shares flows as evenly as 1 in 100. */
#define MAGLEV_SLOTS 4093
/* The number that means "none" where a network node's is expected: none is up. */
#define NO_NETWORK_NODE 0xffff
/* Flows whose network node a hypervisor keeps. */
#define FLOW_NODES 65536

/* Zones and policies that a network node has counters of. */
#define ZONE_SLOTS 4096
#define POLICY_SLOTS 16384
/* The number that means "none" where a slot is expected. */
#define NO_SLOT 0xffffffff
#define POLICY_NAME_BYTES 64
/* Seeds of the hash of connections: one for each 64-bit word of a flow_key, and one for its zone. */
#define HASH_SEEDS 6
/* Connections of a bucket. */
#define CT_WAYS 8
/* Ticks, in which programs time connections: nanoseconds since boot >> TICK_SHIFT, 1.07 s each. */
#define TICK_SHIFT 30

/* Trace sessions at a time. */
#define MAX_WATCHERS 4
/* Bytes of a packet that an event has at most: a jumbo frame. Twice of it and the header fit a per-CPU value (32 kB). */
#define SNAP_MAX 9216
/* Reasons there is room for: their numbers are bits of a mask. */
#define REASON_BITS 64
