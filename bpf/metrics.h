/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters: one CPU's own, so nothing is locked. */
#pragma once
#include "abi/reasons.h"
#include "maps/fastpath_maps.h"

/* Set before loading. Without it ports are not counted; reasons always are. */
const volatile bool count_traffic = true;

/* `dataplane: ebpf`: nothing is beneath, so what would be handed to the kernel is dropped under its reason. Set before loading. */
const volatile bool alone = false;

static __always_inline void count_reason(__u32 reason)
{
	struct count *count = bpf_map_lookup_elem(&reasons, &reason);

	if (count)
		count->packets++;
}

/* Is this the end of a packet that did not take the fast path? */
static __always_inline bool ends(enum reason reason)
{
	return reason >= DROP_MALFORMED || (alone && reason < PASS_VLAN);
}

static __always_inline void count_tx(__u32 slot, __u64 packets, __u64 bytes)
{
	struct traffic *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&traffics, &slot);
	if (traffic) {
		traffic->tx_packets += packets;
		traffic->tx_bytes += bytes;
	}
}

static __always_inline void count_rx(__u32 slot, __u64 packets, __u64 bytes)
{
	struct traffic *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&traffics, &slot);
	if (traffic) {
		traffic->rx_packets += packets;
		traffic->rx_bytes += bytes;
	}
}
