// SPDX-License-Identifier: Apache-2.0
/* Counts packets by IPv4 source address, reports each new source, and drops those of blocked prefixes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} blocked SEC(".maps");

/* The source that was idle for longest makes room for a new one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __be32);
	__type(value, struct traffic);
} sources SEC(".maps");

/* Addresses, 4 bytes each. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} new_sources SEC(".maps");

__u64 dropped;

SEC("xdp")
int count_sources(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	__be32 source = ip->saddr;
	struct traffic *traffic = bpf_map_lookup_elem(&sources, &source);

	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, end - data);
	} else {
		struct traffic first = { .packets = 1, .bytes = end - data };

		bpf_map_update_elem(&sources, &source, &first, BPF_ANY);
		bpf_ringbuf_output(&new_sources, &source, sizeof(source), 0);
	}

	struct prefix prefix = { .length = 32 };

	__builtin_memcpy(prefix.address, &source, sizeof(source));
	if (!bpf_map_lookup_elem(&blocked, &prefix))
		return XDP_PASS;
	__sync_fetch_and_add(&dropped, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
