/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The same for both kinds of context: events_tc.h and events_xdp.h say how a frame is read. */
#include "events.h"

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
