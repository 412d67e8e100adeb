/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Hypervisors: the network node of each flow. A flow keeps its network node while that one is up: the one that this node selected, or the one that
 * brought the last packet from the other side. A lookup reads one cache line. If a line is full, the flow that has been idle for longest is evicted:
 * its next packet takes the network node of the Maglev table, which is the same unless the table has changed since.
 */
#pragma once
#include "fib/flow_key.h"
#include "fib/gw_flow_cache.h"
#include "gateway/maglev.h"
#include "maps/gateway_scratch.h"
#include "net/time.h"

/* The line of the flow scratch->key. Sets scratch->index and scratch->tag. */
static __always_inline struct gw_flow_line *gw_flow_line_of(struct gw_flow_buf *scratch)
{
	struct gw_seeds *seeds;
	__u64 hash;

	scratch->index = 0;
	seeds = bpf_map_lookup_elem(&sg_gw_seeds, &scratch->index);
	if (!seeds)
		return NULL;
	hash = keyed_flow_hash(&scratch->key.flow, scratch->key.tenant, seeds->seeds);
	scratch->index = hash & (GW_FLOW_LINES - 1);
	scratch->tag = hash >> 32 ? hash >> 32 : 1;
	return bpf_map_lookup_elem(&sg_gw_affinity, &scratch->index);
}

static __always_inline struct gw_flow_affinity *gw_flow_find(struct gw_flow_line *line, __u32 tag)
{
	int way;

#pragma unroll
	for (way = 0; way < GW_FLOW_WAYS; way++) {
		if (line->flows[way].tag == tag)
			return &line->flows[way];
	}
	return NULL;
}

/* A free way, or the way of the flow that has been idle for longest. */
static __always_inline __u32 gw_flow_victim(const struct gw_flow_line *line, __u32 now)
{
	__u32 way, victim = 0, most = 0;

	for (way = 0; way < GW_FLOW_WAYS; way++) {
		const struct gw_flow_affinity *flow = &line->flows[way];
		__u32 age = flow->tag ? (__u16)(now - flow->seen) + 1 : 0x20000;

		if (age > most) {
			most = age;
			victim = way;
		}
	}
	return victim & (GW_FLOW_WAYS - 1);
}

/* Writes an entry as one word: other CPUs read the old entry or the new one. */
static __always_inline void gw_flow_write(struct gw_flow_affinity *flow, __u32 tag, __u32 node, __u32 now)
{
	*(volatile __u64 *)flow = (__u64)tag << 32 | (__u64)(__u16)node << 16 | (__u16)now;
}

/* Assigns a network node to the flow scratch->key. */
static __noinline int gw_affinity_insert(struct gw_flow_buf *scratch, __u32 node, __u32 now)
{
	struct gw_flow_affinity *flow;
	struct gw_flow_line *line;
	struct gw_flow_key *owner;
	struct gw_evicted *evicted;
	__u32 way, zero = 0;

	if (!scratch)
		return 0;
	line = gw_flow_line_of(scratch);
	if (!line)
		return 0;
	flow = gw_flow_find(line, scratch->tag);
	if (flow) {
		if (flow->node != node)
			gw_flow_cache_invalidate();
		if (flow->node != node || flow->seen != (__u16)now)
			gw_flow_write(flow, scratch->tag, node, now);
		return 0;
	}
	way = gw_flow_victim(line, now);
	if (line->flows[way].tag) {
		evicted = bpf_map_lookup_elem(&sg_gw_evicted, &zero);
		if (evicted)
			evicted->flows++;
	}
	gw_flow_write(&line->flows[way], scratch->tag, node, now);
	scratch->index = scratch->index * GW_FLOW_WAYS + way;
	owner = bpf_map_lookup_elem(&sg_gw_flow_keys, &scratch->index);
	if (owner)
		*owner = scratch->key;
	return 0;
}

/* The key of a packet whose ports were parsed. reversed: the key of replies to it */
static __always_inline void gw_flow_key_of(struct gw_flow_key *to, const struct inner *inner, __u32 tenant, bool reversed)
{
	struct flow_key *key = &to->flow;

	to->tenant = tenant;
	copy_address(&key->source, reversed ? &inner->dest : &inner->source);
	copy_address(&key->dest, reversed ? &inner->source : &inner->dest);
	key->source_port = reversed ? inner->ports >> 16 : inner->ports;
	key->dest_port = reversed ? inner->ports : inner->ports >> 16;
	key->protocol = inner->protocol;
	key->family = inner->family;
	key->type = FLOW_CONNECTION;
	key->unused = 0;
}
