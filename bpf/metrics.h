/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Per-CPU counters, which need no locks. */
#pragma once
#include "abi/reasons.h"
#include "maps/fastpath_maps.h"

/* Whether traffic of ports, zones and policies is counted; reasons always are. Set before loading. */
const volatile bool count_traffic = true;

/* `dataplane: ebpf`: a packet that would be left to the kernel is dropped, and counted by its punt reason. Set before loading. */
const volatile bool no_kernel_fallback = false;

static __always_inline void count_verdict(__u32 reason)
{
	struct verdict_count *count = bpf_map_lookup_elem(&sg_verdicts, &reason);

	if (count)
		count->packets++;
}

/* Whether a packet that did not take the fast path is dropped here. */
static __always_inline bool is_final(enum reason reason)
{
	return reason >= DROP_MALFORMED || (no_kernel_fallback && reason < PASS_VLAN);
}

static __always_inline void count_tx(__u32 slot, __u64 packets, __u64 bytes)
{
	struct traffic_stats *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&sg_port_stats, &slot);
	if (traffic) {
		traffic->tx_packets += packets;
		traffic->tx_bytes += bytes;
	}
}

static __always_inline void count_rx(__u32 slot, __u64 packets, __u64 bytes)
{
	struct traffic_stats *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&sg_port_stats, &slot);
	if (traffic) {
		traffic->rx_packets += packets;
		traffic->rx_bytes += bytes;
	}
}
