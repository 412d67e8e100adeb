// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The benchmark's sink: counts the generator's packets (UDP to its port, without any tunnel header) and drops them. Other
// packets are counted separately and go to the stack, so that ping and TCP work at the same time.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 udp_port;

struct arrived {
	__u64 packets;
	__u64 bytes;
	__u64 others;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct arrived);
} arrived SEC(".maps");

static __always_inline struct udphdr *udp_of(void *data, void *end)
{
	struct ethhdr *ethernet = data;
	if (data + sizeof *ethernet > end)
		return NULL;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + sizeof *ethernet;
		if ((void *)(ip + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
			return NULL;
		return (void *)(ip + 1);
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + sizeof *ethernet;
		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP)
			return NULL;
		return (void *)(ip + 1);
	}
	return NULL;
}

// Counts a packet. Returns whether it is the generator's.
static __always_inline int counted(void *data, void *end, __u32 bytes)
{
	__u32 key = 0;
	struct arrived *counters = bpf_map_lookup_elem(&arrived, &key);
	if (!counters)
		return 0;
	struct udphdr *udp = udp_of(data, end);
	if (!udp || (void *)(udp + 1) > end || udp->dest != bpf_htons(udp_port)) {
		counters->others++;
		return 0;
	}
	counters->packets++;
	counters->bytes += bytes;
	return 1;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	return counted(data, end, end - data) ? XDP_DROP : XDP_PASS;
}

SEC("tcx/ingress")
int count_skb(struct __sk_buff *skb)
{
	return counted((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
