// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The cost of single steps of a fast path, for bench/micro: each program takes one step and leaves the packet unaltered. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include "test/maps.h"

#define OUTER_BYTES ((int)sizeof(struct ipv6hdr))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct endpoint_key);
	__type(value, struct endpoint);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_key);
	__type(value, __u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct counters);
} totals SEC(".maps");

SEC("xdp")
int xdp_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The key is read from the packet, so that the compiler cannot know it. */
SEC("xdp")
int xdp_hash(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct endpoint_key key;

	if (data + sizeof(key) > end)
		return XDP_DROP;
	__builtin_memcpy(&key, data, sizeof(key));
	return bpf_map_lookup_elem(&endpoints, &key) ? XDP_PASS : XDP_TX;
}

SEC("xdp")
int xdp_lpm(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct prefix_key key;

	if (data + sizeof(key) > end)
		return XDP_DROP;
	__builtin_memcpy(&key, data, sizeof(key));
	return bpf_map_lookup_elem(&prefixes, &key) ? XDP_PASS : XDP_TX;
}

SEC("xdp")
int xdp_counter(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct counters *counters = bpf_map_lookup_elem(&totals, &zero);

	if (!counters)
		return XDP_DROP;
	counters->packets++;
	counters->bytes += ctx->data_end - ctx->data;
	return XDP_PASS;
}

/* Adds and removes an outer header: each repetition of a test run must find the original packet. */
SEC("xdp")
int xdp_push_pop(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_head(ctx, -OUTER_BYTES))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, OUTER_BYTES))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
