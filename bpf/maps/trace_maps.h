/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Trace sessions: what they ask for, their rings, and where a record is put together. */
#pragma once
#include "abi/events.h"
#include "maps/map_defs.h"

/* A variable and no entry of a map: its address is in the instructions. */
volatile struct trace_enabled trace_enabled SEC(".data.sg_trace_on");

ARRAY(sg_trace_sess, BPF_MAP_TYPE_ARRAY, struct trace_session, MAX_TRACE_SESSIONS);
ARRAY(sg_trace_rate, BPF_MAP_TYPE_PERCPU_ARRAY, struct trace_ratelimit, MAX_TRACE_SESSIONS *REASON_BITS);

struct trace_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* The ring of each session. The session makes it, at the size it needs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_TRACE_SESSIONS);
	__type(key, __u32);
	__array(values, struct trace_ring);
} sg_trace_rings SEC(".maps");

/* Where a record is put together. Of each program's own: XDP and tcx of one packet do not meet in it. */
struct trace_buf {
	struct trace_event event;
	__u8 bytes[2 * SNAP_MAX];
	__u32 kept; /* the packet as it came is in it */
	__u32 decided; /* what the program decided by is in it */
	__u32 zone; /* an external network's, of the packet; 0: not known */
	__u32 unused;
};
ARRAY(sg_trace_buf, BPF_MAP_TYPE_PERCPU_ARRAY, struct trace_buf, 1);
