// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of an uplink: decapsulates what is for a SID of ours and redirects it to the port. What it does not redirect or drop meets
 * uplink_tc next, which counts it. */
#include <linux/bpf.h>
#include "events_xdp.h"
#include "outer.h"
#include "stats.h"
#include "steered.h"

SEC("xdp.frags")
int segue_uplink_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct arrival arrival;
	enum reason reason;

	reason = read_arrival(&arrival, data, data_end);
	if (reason == REASON_COUNT)
		return XDP_PASS;
	if (reason == REASON_FORWARDED) {
		__u32 length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;

		if (!(arrival.port->flags & PORT_FRAMES))
			return XDP_PASS;
		if (arrival.length > length)
			reason = DROP_MALFORMED;
		else if (length - arrival.outer_bytes > arrival.port->mtu)
			reason = PUNT_TOO_BIG;
	}
	if (reason == REASON_FORWARDED) {
		follow_arrival(data, data_end, arrival.outer_bytes, &arrival.inner, arrival.port->tenant);
		keep(ctx);
		if (bpf_xdp_adjust_head(ctx, arrival.outer_bytes))
			reason = PUNT_NO_ROOM;
		else {
			data = (void *)(long)ctx->data;
			data_end = (void *)(long)ctx->data_end;
			reason = finish_arrival(&arrival, data, data_end);
		}
	}
	if (reason != REASON_FORWARDED && reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	seen(ctx, reason, reason == REASON_FORWARDED ? arrival.ifindex : 0, HOOK_UPLINK_XDP);
	if (reason != REASON_FORWARDED)
		return XDP_DROP;
	count_rx(arrival.port->slot, 1, arrival.inner.length);
	return bpf_redirect(arrival.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
