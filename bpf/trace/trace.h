/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Trace sessions (`segue monitor`, `capture` and `trace`) receive one event per packet with its verdict. A program includes ctx/skb.h or
 * ctx/xdp.h before this, calls trace_capture() before it alters a packet and trace_verdict() when it knows the verdict. Without a session each is
 * a load and a branch.
 */
#pragma once
#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include "abi/limits.h"
#include "abi/types.h"
#include "ctx/ctx.h"
#include "maps/fastpath_maps.h"
#include "maps/trace_maps.h"
#ifdef TRACE_WITH_ZONES
#include "maps/nn_maps.h"
#endif

#define NS_PER_SECOND 1000000000ULL

static __always_inline bool trace_ratelimit_take(struct trace_ratelimit *budget, __u64 now, __u64 rate)
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

/* Sends the event to one session, if its filter matches. */
static __noinline int trace_send(struct trace_buf *scratch, __u32 slot)
{
	struct trace_event *event;
	struct trace_session *trace_session;
	struct trace_ratelimit *budget;
	__u32 index, bytes;
	void *ring;

	if (!scratch)
		return 0;
	event = &scratch->event;
	trace_session = bpf_map_lookup_elem(&sg_trace_sess, &slot);
	if (!trace_session)
		return 0;
	if (event->time > trace_session->until) {
		__sync_fetch_and_and(&trace_enabled.active, ~(1U << (slot & 31)));
		return 0;
	}
	if (!(trace_session->reasons >> (event->reason & (REASON_BITS - 1)) & 1))
		return 0;
	if (trace_session->tenant && trace_session->tenant != event->tenant && (!trace_session->peer || trace_session->peer != event->peer))
		return 0;
	if (trace_session->ifindex && trace_session->ifindex != event->ifindex && trace_session->ifindex != event->egress)
		return 0;
	index = slot * REASON_BITS + (event->reason & (REASON_BITS - 1));
	budget = bpf_map_lookup_elem(&sg_trace_rate, &index);
	ring = bpf_map_lookup_elem(&sg_trace_rings, &slot);
	if (!budget || !ring)
		return 0;
	if (trace_session->rate && !trace_ratelimit_take(budget, event->time, trace_session->rate))
		return 0;
	bytes = event->captured + event->after_captured;
	if (bytes > 2 * SNAP_MAX)
		return 0;
	if (bpf_ringbuf_output(ring, event, sizeof(*event) + bytes, 0))
		budget->lost++;
	return 0;
}

/*
 * The tenant of a packet, by its ingress port or its SID. TRACE_WITH_ZONES: by a gateway SID, too; for external networks, the zone that trace_zone()
 * noted.
 */
static __always_inline __u32 trace_tenant(const struct trace_buf *scratch)
{
	const struct trace_event *event = &scratch->event;
	struct in6_addr to;
	struct port *port;
	struct sid *sid;
#ifdef TRACE_WITH_ZONES
	struct zone *zone;
#endif

#ifdef TRACE_WITH_ZONES
	if (event->hook == HOOK_EXTERNAL)
		return scratch->zone;
#endif
	if (event->hook == HOOK_PORT || event->hook == HOOK_PORT_XDP) {
		port = bpf_map_lookup_elem(&sg_ports, &event->ifindex);
		return port ? port->tenant : 0;
	}
	if (event->captured < ETH_HLEN + sizeof(struct ipv6hdr) || ((const struct ethhdr *)scratch->bytes)->h_proto != bpf_htons(ETH_P_IPV6))
		return 0;
	__builtin_memcpy(&to, scratch->bytes + ETH_HLEN + __builtin_offsetof(struct ipv6hdr, daddr), sizeof(to));
#ifdef TRACE_WITH_ZONES
	zone = bpf_map_lookup_elem(&sg_gw_sids, &to);
	if (zone)
		return zone->id;
#endif
	sid = bpf_map_lookup_elem(&sg_sids, &to);
	return sid ? sid->tenant : 0;
}

/* Bytes of a frame to capture. */
static __always_inline __u32 trace_snap_len(__u32 length)
{
	__u32 snap = trace_enabled.snap;

	return length < snap ? length : snap;
}

/* Loads the first bytes of a frame to offset `at` of the buffer. Returns how many; 0 on failure. */
static __always_inline __u32 trace_load(struct CTX *ctx, struct trace_buf *scratch, __u64 at, __u64 bytes)
{
	if (at > SNAP_MAX || !bytes)
		return 0;
	/* Keeps clang from merging the two comparisons into one, which the verifier does not follow. */
	barrier_var(bytes);
	if (bytes > SNAP_MAX)
		return 0;
	return LOAD_BYTES(ctx, 0, scratch->bytes + at, bytes) ? 0 : bytes;
}

/* Notes for the event what the program has decided. endpoint: enum endpoint_type, with its id */
static __noinline int trace_decided(__u32 peer, __u32 policy, __u32 flags, __u32 endpoint, __u32 endpoint_id)
{
	struct trace_buf *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&sg_trace_buf, &zero);
	if (!scratch)
		return 0;
	scratch->event.peer = peer;
	scratch->event.policy = policy;
	scratch->event.flags = flags;
	scratch->event.endpoint = endpoint;
	scratch->event.endpoint_id = endpoint_id;
	scratch->decided = 1;
	return 0;
}

/* Notes the zone of a packet from an external network. */
static __noinline int trace_zone_slow(__u32 zone)
{
	struct trace_buf *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&sg_trace_buf, &zero);
	if (scratch)
		scratch->zone = zone;
	return 0;
}

/* Whether there is a trace session. */
static __always_inline bool is_traced(void)
{
	return __builtin_expect(trace_enabled.active, 0);
}

/* Captures the packet before it is altered. */
static __noinline int trace_capture_slow(struct CTX *ctx)
{
	struct trace_buf *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&sg_trace_buf, &zero);
	if (!scratch)
		return 0;
	scratch->event.length = frame_bytes(ctx);
	scratch->event.segments = frame_segments(ctx);
	scratch->event.vlan_tci = frame_vlan(ctx);
	scratch->event.captured = trace_load(ctx, scratch, 0, trace_snap_len(scratch->event.length));
	scratch->kept = 1;
	return 0;
}

/* Sends a packet's verdict to all sessions. egress: the egress interface; 0 if the fast path does not send the packet */
static __noinline int trace_emit(struct CTX *ctx, __u32 reason, __u32 egress, __u32 hook)
{
	struct trace_buf *scratch;
	struct trace_event *event;
	__u32 zero = 0, slot;

	scratch = bpf_map_lookup_elem(&sg_trace_buf, &zero);
	if (!scratch)
		return 0;
	event = &scratch->event;
	event->after_length = 0;
	event->after_captured = 0;
	if (!scratch->kept) {
		trace_capture_slow(ctx);
	} else if (egress) {
		event->after_length = frame_bytes(ctx);
		event->after_captured = trace_load(ctx, scratch, event->captured, trace_snap_len(event->after_length));
	}
	scratch->kept = 0;
	if (!scratch->decided) {
		event->peer = 0;
		event->policy = NO_SLOT;
		event->flags = 0;
		event->endpoint = 0;
		event->endpoint_id = 0;
	}
	scratch->decided = 0;
	event->time = bpf_ktime_get_ns();
	event->reason = reason;
	event->hook = hook;
	event->ifindex = frame_ifindex(ctx);
	event->egress = egress;
	event->tenant = trace_tenant(scratch);
	scratch->zone = 0;
	for (slot = 0; slot < MAX_TRACE_SESSIONS; slot++) {
		if (trace_enabled.active >> slot & 1)
			trace_send(scratch, slot);
	}
	return 0;
}

static __always_inline void trace_capture(struct CTX *ctx)
{
	if (is_traced())
		trace_capture_slow(ctx);
}

/* The same, for a packet whose endpoint is known. */
static __always_inline void trace_capture_to(struct CTX *ctx, __u32 endpoint, __u32 endpoint_id)
{
	if (is_traced()) {
		trace_decided(0, NO_SLOT, 0, endpoint, endpoint_id);
		trace_capture_slow(ctx);
	}
}

static __always_inline void trace_zone(__u32 zone)
{
	if (is_traced())
		trace_zone_slow(zone);
}

/* Discards the capture of a packet that is passed on without a verdict, so that it is not taken for the next packet's. */
static __always_inline void trace_forget(void)
{
	struct trace_buf *scratch;
	__u32 zero = 0;

	if (!is_traced())
		return;
	scratch = bpf_map_lookup_elem(&sg_trace_buf, &zero);
	if (!scratch)
		return;
	scratch->kept = 0;
	scratch->decided = 0;
}

static __always_inline void trace_verdict(struct CTX *ctx, __u32 reason, __u32 egress, enum hook hook)
{
	if (is_traced())
		trace_emit(ctx, reason, egress, hook);
}
