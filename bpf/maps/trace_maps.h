/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Trace sessions: what they ask for, their rings, and where a record is put together. */
#pragma once
#include "abi/events.h"
#include "maps/map_defs.h"

/* A variable and no entry of a map: its address is in the instructions. */
volatile struct watching watching SEC(".data.watching");

ARRAY(watchers, BPF_MAP_TYPE_ARRAY, struct watcher, MAX_WATCHERS);
ARRAY(budgets, BPF_MAP_TYPE_PERCPU_ARRAY, struct budget, MAX_WATCHERS * REASON_BITS);

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* Each watcher's own, made by it and as large as it likes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_WATCHERS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* Where a record is put together. Of each program's own: XDP and tcx of one packet do not meet in it. */
struct scratch {
	struct event event;
	__u8 bytes[2 * SNAP_MAX];
	__u64 kept; /* the packet as it came is in it */
};
ARRAY(scratches, BPF_MAP_TYPE_PERCPU_ARRAY, struct scratch, 1);
