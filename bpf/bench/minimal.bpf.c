// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The minimum of an SRv6 tunnel, hand-written: one lookup in a table of endpoints, one counter, and what RFCs require of a packet (hop
// limit, checksum, flow label, ECN). No tenants, no checks of sources, no MTU, no cache, no reasons: the cost of those is the difference
// between a data plane and this.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ENDPOINTS_MAX (1 << 20)
#define OUTER_HOP_LIMIT 64

// Destination, then source, as in the frame; the last 4 bytes are not used.
const volatile __u64 uplink_macs[2];
const volatile __u64 port_macs[2];
const volatile __u32 uplink;
const volatile __u32 port;
// Outer source address of this node.
const volatile __u64 outer_source[2];
// First half of this node's SIDs.
const volatile __u64 locator;

// The SID of a remote endpoint; unused for an endpoint of this node.
struct endpoint {
	__u64 sid[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, struct endpoint);
} endpoints4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ENDPOINTS_MAX);
	__type(key, struct in6_addr);
	__type(value, struct endpoint);
} endpoints6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static __always_inline void count(void)
{
	__u32 key = 0;
	__u64 *counter = bpf_map_lookup_elem(&packets, &key);

	if (counter)
		++*counter;
}

static __always_inline __u32 mixed(__u32 a, __u32 b, __u32 c)
{
	__u32 hash = (a * 0x9e3779b1) ^ (b * 0x85ebca6b) ^ (c * 0xc2b2ae35);

	return hash ^ (hash >> 15);
}

static __always_inline void ipv4_dec_ttl(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

// Copies a congestion mark (RFC 6040 section 4.2) to ECN-capable packets, and updates the checksum (RFC 1624).
static __always_inline void ipv4_congestion(struct iphdr *ip)
{
	__u32 check;

	if (!(ip->tos & 3) || (ip->tos & 3) == 3)
		return;
	check = (__u16)~ip->check + (__u16)~bpf_htons(ip->tos) + bpf_htons(ip->tos | 3);
	check = (check & 0xffff) + (check >> 16);
	ip->check = ~((check & 0xffff) + (check >> 16));
	ip->tos |= 3;
}

static __always_inline void write_macs(struct ethhdr *eth, const volatile __u64 *macs)
{
	*(__u64 *)eth = macs[0];
	*(__u32 *)((void *)eth + sizeof(__u64)) = (__u32)macs[1];
}

SEC("xdp.frags")
int encapsulate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct endpoint *endpoint;
	struct ipv6hdr *outer;
	__u32 label, length;
	__u8 class, protocol;

	if (data + sizeof(*eth) + sizeof(struct iphdr) + sizeof(__u32) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if (ip->version != 4 || ip->ihl != 5 || ip->ttl <= 1)
			return XDP_DROP;
		endpoint = bpf_map_lookup_elem(&endpoints4, &ip->daddr);
		label = mixed(ip->saddr, ip->daddr, *(__u32 *)(ip + 1) ^ ip->protocol);
		class = ip->tos;
		length = bpf_ntohs(ip->tot_len);
		protocol = IPPROTO_IPIP;
		ipv4_dec_ttl(ip);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) + sizeof(__u32) > end || ip6->version != 6 || ip6->hop_limit <= 1)
			return XDP_DROP;
		endpoint = bpf_map_lookup_elem(&endpoints6, &ip6->daddr);
		label = mixed(ip6->saddr.s6_addr32[3], ip6->daddr.s6_addr32[3], *(__u32 *)(ip6 + 1) ^ ip6->nexthdr);
		class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
		length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		protocol = IPPROTO_IPV6;
		ip6->hop_limit--;
	} else {
		return XDP_PASS;
	}
	if (!endpoint)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	outer = (void *)(eth + 1);
	if ((void *)(outer + 1) > end)
		return XDP_DROP;
	write_macs(eth, uplink_macs);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	*(__be32 *)outer = bpf_htonl(0x60000000 | ((__u32) class << 20) | (label & 0xfffff));
	outer->payload_len = bpf_htons(length);
	outer->nexthdr = protocol;
	outer->hop_limit = OUTER_HOP_LIMIT;
	((__u64 *)&outer->saddr)[0] = outer_source[0];
	((__u64 *)&outer->saddr)[1] = outer_source[1];
	((__u64 *)&outer->daddr)[0] = endpoint->sid[0];
	((__u64 *)&outer->daddr)[1] = endpoint->sid[1];
	count();
	return bpf_redirect(uplink, 0);
}

SEC("xdp.frags")
int decapsulate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *outer = (void *)(eth + 1);
	__u8 congested, protocol;

	if ((void *)(outer + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6) || *(__u64 *)&outer->daddr != locator)
		return XDP_PASS;
	protocol = outer->nexthdr;
	congested = ((outer->flow_lbl[0] >> 4) & 3) == 3;
	if (protocol != IPPROTO_IPIP && protocol != IPPROTO_IPV6)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, sizeof(*outer)))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	if (data + sizeof(*eth) + sizeof(struct iphdr) > end)
		return XDP_DROP;
	write_macs(eth, port_macs);
	if (protocol == IPPROTO_IPIP) {
		struct iphdr *ip = (void *)(eth + 1);

		if (ip->ttl <= 1 || !bpf_map_lookup_elem(&endpoints4, &ip->daddr))
			return XDP_DROP;
		if (congested)
			ipv4_congestion(ip);
		ipv4_dec_ttl(ip);
		eth->h_proto = bpf_htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > end || ip6->hop_limit <= 1 || !bpf_map_lookup_elem(&endpoints6, &ip6->daddr))
			return XDP_DROP;
		if (congested && (ip6->flow_lbl[0] & 0x30))
			ip6->flow_lbl[0] |= 0x30;
		ip6->hop_limit--;
		eth->h_proto = bpf_htons(ETH_P_IPV6);
	}
	count();
	return bpf_redirect(port, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
