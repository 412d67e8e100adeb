/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rate limit of a gateway's ICMP messages to a VM, echo replies and errors together: a token bucket for each port (`icmpRate`). */
#pragma once
#include <bpf/bpf_helpers.h>
#include "abi/reasons.h"
#include "maps/icmp_rate_maps.h"

#define NSEC_PER_SEC 1000000000ULL

/* Takes a token from a port's bucket, which holds the tokens of a second. Returns false if there is none. */
static __always_inline bool icmp_rate_take(struct icmp_rate *rate)
{
	__u64 now = bpf_ktime_get_ns(), interval, before, from;

	if (!rate->per_second)
		return true;
	interval = NSEC_PER_SEC / rate->per_second;
	before = rate->full_at_ns;
	from = before > now ? before : now;
	/* If another CPU took this token, this message is dropped. */
	return from - now <= NSEC_PER_SEC - interval && __sync_val_compare_and_swap(&rate->full_at_ns, before, from + interval) == before;
}

/* Applies the limit to an answer to a port's VM. ARP and neighbour discovery have no limit: without them the VM reaches nobody. */
static __always_inline enum reason icmp_rate_check(__u32 ifindex, enum reason reason)
{
	struct icmp_rate *rate;

	if (reason != ANSWER_ECHO && reason != ANSWER_HOP_LIMIT && reason != ANSWER_TOO_BIG && reason != ANSWER_UNREACHABLE)
		return reason;
	rate = bpf_map_lookup_elem(&sg_port_icmp, &ifindex);
	if (!rate || icmp_rate_take(rate))
		return reason;
	__sync_fetch_and_add(&rate->dropped, 1);
	return DROP_ICMP_RATE;
}
