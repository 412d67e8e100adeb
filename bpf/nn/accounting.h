/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a network node counts and tells of its decisions. */
#pragma once
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"
#include "metrics.h"

/* Of a CPU: a flood of refused packets is not to be one of records. */
#define LOG_PER_SECOND 1000

/* connections: those that it decided about now */
static __always_inline void count_policy(__u32 policy, __u32 connections, __u32 packets, __u32 bytes)
{
	struct policy_hit *hit;

	if (!count_traffic || policy == NO_SLOT)
		return;
	hit = bpf_map_lookup_elem(&policy_hits, &policy);
	if (!hit)
		return;
	hit->connections += connections;
	hit->packets += packets;
	hit->bytes += bytes;
}

/* from, to: their slots */
static __always_inline void count_zones(__u32 from, __u32 to, __u32 packets, __u32 bytes)
{
	struct traffic *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&zone_traffics, &from);
	if (traffic) {
		traffic->tx_packets += packets;
		traffic->tx_bytes += bytes;
	}
	traffic = bpf_map_lookup_elem(&zone_traffics, &to);
	if (traffic) {
		traffic->rx_packets += packets;
		traffic->rx_bytes += bytes;
	}
}

__noinline int tell_decision(const struct packet *packet, const struct passage *passage, __u32 reason)
{
	__u32 zero = 0;
	struct log_budget *budget = bpf_map_lookup_elem(&log_budgets, &zero);
	__u64 now = bpf_ktime_get_ns();
	struct policy_event *event;

	if (!budget || !packet || !passage)
		return 0;
	if (now - budget->second >= 1000000000) {
		budget->second = now;
		budget->told = 0;
	}
	if (budget->told >= LOG_PER_SECOND) {
		budget->suppressed++;
		return 0;
	}
	event = bpf_ringbuf_reserve(&denials, sizeof(*event), 0);
	if (!event) {
		budget->suppressed++;
		return 0;
	}
	event->time = now;
	event->flow = packet->key;
	event->from = passage->from.id;
	event->to = passage->peer;
	event->policy = passage->policy;
	event->reason = reason;
	event->length = packet->inner.length;
	event->suppressed = budget->suppressed;
	budget->told++;
	budget->suppressed = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Counts a packet that was let pass or dropped here, and tells of it if its policy says so. */
static __always_inline void account(const struct packet *packet, const struct passage *passage, enum reason reason, __u32 packets)
{
	count_policy(passage->policy, passage->decided, packets, packet->inner.length);
	if (reason == REASON_FORWARDED)
		count_zones(passage->from.slot, passage->peer_slot, packets, packet->inner.length);
	if (passage->log)
		tell_decision(packet, passage, reason);
}
