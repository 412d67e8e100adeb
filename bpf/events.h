/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Trace sessions (`segue monitor`, `capture` and `trace`) receive one event per packet with its verdict. A program includes events_tc.h or
 * events_xdp.h, calls keep() before it alters a packet and seen() when it knows what becomes of it. While nobody looks on each is a
 * load and a branch.
 */
#pragma once
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include "maps.h"

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

#define NS_PER_SECOND 1000000000ULL

static __always_inline bool within_rate(struct budget *budget, __u64 now, __u64 rate)
{
	__u64 elapsed = now - budget->updated;
	__u64 earned = elapsed >= NS_PER_SECOND ? rate : elapsed * rate / NS_PER_SECOND;

	if (earned) {
		budget->tokens = budget->tokens + earned > rate ? rate : budget->tokens + earned;
		budget->updated = now;
	}
	if (!budget->tokens) {
		budget->suppressed++;
		return false;
	}
	budget->tokens--;
	return true;
}

/* Tells one watcher, if it wants to know. */
static __noinline int tell(struct scratch *scratch, __u32 slot)
{
	struct event *event;
	struct watcher *watcher;
	struct budget *budget;
	__u32 index, bytes;
	void *ring;

	if (!scratch)
		return 0;
	event = &scratch->event;
	watcher = bpf_map_lookup_elem(&watchers, &slot);
	if (!watcher)
		return 0;
	if (event->time > watcher->until) {
		__sync_fetch_and_and(&watching.active, ~(1U << (slot & 31)));
		return 0;
	}
	if (!(watcher->reasons >> (event->reason & (REASON_BITS - 1)) & 1))
		return 0;
	if (watcher->tenant && watcher->tenant != event->tenant)
		return 0;
	if (watcher->ifindex && watcher->ifindex != event->ifindex && watcher->ifindex != event->egress)
		return 0;
	index = slot * REASON_BITS + (event->reason & (REASON_BITS - 1));
	budget = bpf_map_lookup_elem(&budgets, &index);
	ring = bpf_map_lookup_elem(&rings, &slot);
	if (!budget || !ring)
		return 0;
	if (watcher->rate && !within_rate(budget, event->time, watcher->rate))
		return 0;
	bytes = event->captured + event->after_captured;
	if (bytes > 2 * SNAP_MAX)
		return 0;
	if (bpf_ringbuf_output(ring, event, sizeof(*event) + bytes, 0))
		budget->lost++;
	return 0;
}

/* The tenant of a packet: of the port it came from, or of the SID it came to. KNOWS_ZONES: of a gateway's SID, too. */
static __always_inline __u32 tenant_of(const struct scratch *scratch)
{
	const struct event *event = &scratch->event;
	struct in6_addr to;
	struct port *port;
	struct sid *sid;
#ifdef KNOWS_ZONES
	struct zone *zone;
#endif

	if (event->hook == HOOK_PORT || event->hook == HOOK_PORT_XDP) {
		port = bpf_map_lookup_elem(&ports, &event->ifindex);
		return port ? port->tenant : 0;
	}
	if (event->captured < ETH_HLEN + sizeof(struct ipv6hdr))
		return 0;
	__builtin_memcpy(&to, scratch->bytes + ETH_HLEN + __builtin_offsetof(struct ipv6hdr, daddr), sizeof(to));
#ifdef KNOWS_ZONES
	zone = bpf_map_lookup_elem(&gateway_sids, &to);
	if (zone)
		return zone->id;
#endif
	sid = bpf_map_lookup_elem(&sids, &to);
	return sid ? sid->tenant : 0;
}

/* Bytes to keep of a frame. */
static __always_inline __u32 snap_of(__u32 length)
{
	__u32 snap = watching.snap;

	return length < snap ? length : snap;
}
