/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters and log records of a network node's verdicts. */
#pragma once
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"
#include "metrics.h"

/* Records of a CPU: a flood of refused packets must not become a flood of records. */
#define LOG_PER_SECOND 1000

/* connections: 1 if the policy let a connection in, or refused one, with this packet; else 0 */
static __always_inline void count_policy(__u32 policy, __u32 connections, __u32 packets, __u32 bytes)
{
	struct policy_hit *hit;

	if (!count_traffic || policy == NO_SLOT)
		return;
	hit = bpf_map_lookup_elem(&sg_pol_hits, &policy);
	if (!hit)
		return;
	hit->connections += connections;
	hit->packets += packets;
	hit->bytes += bytes;
}

/* from, to: slots of the zones */
static __always_inline void count_zones(__u32 from, __u32 to, __u32 packets, __u32 bytes)
{
	struct traffic_stats *traffic;

	if (!count_traffic)
		return;
	traffic = bpf_map_lookup_elem(&sg_zone_stats, &from);
	if (traffic) {
		traffic->tx_packets += packets;
		traffic->tx_bytes += bytes;
	}
	traffic = bpf_map_lookup_elem(&sg_zone_stats, &to);
	if (traffic) {
		traffic->rx_packets += packets;
		traffic->rx_bytes += bytes;
	}
}

__noinline int policy_log_emit(const struct packet *packet, const struct nn_verdict *verdict, __u32 reason)
{
	__u32 zero = 0;
	struct policy_log_ratelimit *budget = bpf_map_lookup_elem(&sg_log_rate, &zero);
	__u64 now = bpf_ktime_get_ns();
	struct policy_log_event *event;

	if (!budget || !packet || !verdict)
		return 0;
	if (now - budget->second >= 1000000000) {
		budget->second = now;
		budget->logged = 0;
	}
	if (budget->logged >= LOG_PER_SECOND) {
		budget->suppressed++;
		budget->all_suppressed++;
		return 0;
	}
	event = bpf_ringbuf_reserve(&sg_policy_log, sizeof(*event), 0);
	if (!event) {
		budget->suppressed++;
		budget->all_suppressed++;
		return 0;
	}
	event->time = now;
	event->flow = packet->key;
	event->from = verdict->from.id;
	event->to = verdict->peer;
	event->policy = verdict->policy;
	event->reason = reason;
	event->length = packet->inner.length;
	event->suppressed = budget->suppressed;
	budget->logged++;
	budget->suppressed = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Counts a packet that was forwarded or dropped here. Logs it if its policy has `log`. */
static __always_inline void account_packet(const struct packet *packet, const struct nn_verdict *verdict, enum reason reason, __u32 packets)
{
	count_policy(verdict->policy, verdict->new_decision, packets, packet->inner.length);
	if (reason == REASON_FORWARDED)
		count_zones(verdict->from.slot, verdict->peer_slot, packets, packet->inner.length);
	if (verdict->log)
		policy_log_emit(packet, verdict, reason);
}
