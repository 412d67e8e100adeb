// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every map type that src/libbpf supports, and programs that use them. For tests and examples only. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi/btf_export.h"
#include "test/maps.h"

BTF_EXPORT_STRUCT(event);

const volatile __u32 verdict = XDP_PASS;
const volatile __u64 increment = 1;
const volatile bool counting = true;
const volatile __s16 offset_bytes = -2;
const volatile struct endpoint_key only;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct endpoint_key);
	__type(value, struct endpoint);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct counters);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_key);
	__type(value, __u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct inner_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner_map);
} tables SEC(".maps");

static __always_inline void count(__u32 index, __u64 bytes)
{
	struct counters *counters = bpf_map_lookup_elem(&totals, &index);

	if (!counters)
		return;
	counters->packets += increment;
	counters->bytes += bytes;
}

/* Counts frames, and sends an event of each by the ring buffer if there is room. */
SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct event *event;

	if (counting)
		count(EVENT_FRAME, end - data);
	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->kind = EVENT_FRAME;
		event->bytes = end - data;
		event->ethertype = eth->h_proto;
		__builtin_memcpy(event->source, eth->h_source, ETH_ALEN);
		event->tenant = only.tenant;
		event->padding = (__u32)(__s32)offset_bytes;
		bpf_ringbuf_submit(event, 0);
	}
	return verdict;
}

/* Drops packets whose IPv6 destination is not in `endpoints`. */
SEC("xdp")
int xdp_lookup(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct endpoint_key key = {};

	if ((void *)(ip6 + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	key.tenant = only.tenant;
	key.address = ip6->daddr;
	return bpf_map_lookup_elem(&endpoints, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int xdp_call(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &calls, 1);
	return XDP_ABORTED;
}

SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, XDP_DROP);
}

/* Fills the ring buffer: `repeat` of a test run is the number of records. */
SEC("xdp")
int xdp_events(struct xdp_md *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return XDP_DROP;
	event->kind = EVENT_TEST;
	event->bytes = ctx->data_end - ctx->data;
	/* BPF_RB_NO_WAKEUP: a benchmark of the reader must not measure wake-ups. */
	bpf_ringbuf_submit(event, counting ? 0 : BPF_RB_NO_WAKEUP);
	return XDP_PASS;
}

__u32 sequence;

/* Submits numbered records and discards every third: a concurrent reader must get the others once each, and in order. */
SEC("xdp")
int xdp_sequence(struct xdp_md *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return XDP_DROP;
	event->kind = EVENT_TEST;
	event->bytes = sequence++;
	if (event->bytes % 3 == 2)
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

SEC("tc")
int tc_count(struct __sk_buff *skb)
{
	count(EVENT_TEST, skb->len);
	return -1; /* TCX_NEXT */
}

SEC("tc")
int tc_mark(struct __sk_buff *skb)
{
	skb->mark = verdict;
	return -1; /* TCX_NEXT */
}

SEC("lwt_xmit")
int lwt_pass(struct __sk_buff *skb)
{
	count(EVENT_LWT, skb->len);
	return BPF_OK;
}

SEC("xdp")
int xdp_table(struct xdp_md *ctx)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&tables, &zero);
	struct prefix_key key = { .prefix_len = 32 };
	__u64 *value;

	if (!inner)
		return XDP_DROP;
	value = bpf_map_lookup_elem(inner, &zero);
	if (!value)
		return XDP_ABORTED;
	return bpf_map_lookup_elem(&prefixes, &key) ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
