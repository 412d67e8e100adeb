/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Trace sessions (`segue monitor`, `capture` and `trace`) receive one event per packet with its verdict. A program includes ctx/skb.h or
 * ctx/xdp.h before this, calls keep() before it alters a packet and seen() when it knows what becomes of it. While nobody looks on each is a
 * load and a branch.
 */
#pragma once
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include "ctx/ctx.h"
#include "maps/fastpath_maps.h"
#include "maps/trace_maps.h"

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

/* Keeps clang from making one comparison of two, which the verifier does not follow. */
#define BARRIER(variable) asm volatile("" : "+r"(variable))

/* Loads the first bytes of a frame behind what is in a scratch. Returns how many: 0 when it could not. */
static __always_inline __u32 load_frame(struct CTX *ctx, struct scratch *scratch, __u64 at, __u64 bytes)
{
	if (at > SNAP_MAX || !bytes)
		return 0;
	BARRIER(bytes);
	if (bytes > SNAP_MAX)
		return 0;
	return LOAD_BYTES(ctx, 0, scratch->bytes + at, bytes) ? 0 : bytes;
}

/* Takes down the packet as it came. */
static __noinline int take_down(struct CTX *ctx)
{
	struct scratch *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return 0;
	scratch->event.length = frame_bytes(ctx);
	scratch->event.segments = frame_segments(ctx);
	scratch->event.vlan_tci = frame_vlan(ctx);
	scratch->event.captured = load_frame(ctx, scratch, 0, snap_of(scratch->event.length));
	scratch->kept = 1;
	return 0;
}

/* Tells the watchers what becomes of a packet. egress: the interface it leaves by, 0 when that is not the fast path's doing. */
static __noinline int report(struct CTX *ctx, __u32 reason, __u32 egress, __u32 hook)
{
	struct scratch *scratch;
	struct event *event;
	__u32 zero = 0, slot;

	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return 0;
	event = &scratch->event;
	event->after_length = 0;
	event->after_captured = 0;
	if (!scratch->kept) {
		take_down(ctx);
	} else if (egress) {
		event->after_length = frame_bytes(ctx);
		event->after_captured = load_frame(ctx, scratch, event->captured, snap_of(event->after_length));
	}
	scratch->kept = 0;
	event->time = bpf_ktime_get_ns();
	event->reason = reason;
	event->hook = hook;
	event->ifindex = FRAME_IFINDEX(ctx);
	event->egress = egress;
	event->tenant = tenant_of(scratch);
	for (slot = 0; slot < MAX_WATCHERS; slot++) {
		if (watching.active >> slot & 1)
			tell(scratch, slot);
	}
	return 0;
}

static __always_inline void keep(struct CTX *ctx)
{
	if (__builtin_expect(watching.active, 0))
		take_down(ctx);
}

static __always_inline void seen(struct CTX *ctx, __u32 reason, __u32 egress, enum hook hook)
{
	if (__builtin_expect(watching.active, 0))
		report(ctx, reason, egress, hook);
}
