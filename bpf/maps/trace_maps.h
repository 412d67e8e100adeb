/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Trace sessions: filters, rate limits, rings, and work space for an event. */
#pragma once
#include "abi/events.h"
#include "maps/map_defs.h"

/* A variable, not a map entry: its address is in the instructions, so that the check is one load. */
volatile struct trace_enabled trace_enabled SEC(".data.sg_trace_on");

ARRAY_RW(fastpath, sg_trace_sess, struct trace_session, MAX_TRACE_SESSIONS);
PERCPU_ARRAY_RW(fastpath, sg_trace_rate, struct trace_ratelimit, MAX_TRACE_SESSIONS *REASON_BITS);

struct trace_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* The ring of each session, which the session creates at the size it needs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_TRACE_SESSIONS);
	__type(key, __u32);
	__array(values, struct trace_ring);
} sg_trace_rings SEC(".maps") MAP_SET(fastpath);

/* An event is built here. Each program has its own: XDP and tcx do not share it, even for one packet. */
struct trace_buf {
	struct trace_event event;
	__u8 bytes[2 * SNAP_MAX];
	__u32 kept; /* the packet was captured before it was altered */
	__u32 decided; /* trace_decided() has set the decision */
	__u32 zone; /* of a packet from an external network; 0: not known */
	__u32 unused;
};
SCRATCH(sg_trace_buf, struct trace_buf);
