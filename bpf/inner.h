/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A tenant's packet, read: what is looked up, checked and hashed. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "layouts.h"
#include "reasons.h"

#define IP_OFFSET_OR_MORE bpf_htons(0x3fff) /* more fragments, or an offset */
#define IP_OFFSET bpf_htons(0x1fff)
#define IP6_OFFSET bpf_htons(0xfff8)
#define MAX_EXTENSIONS 6
#define EXTENSION_MOBILITY 135
#define EXTENSION_HIP 139
#define EXTENSION_SHIM6 140
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define ICMP6_ROUTER_SOLICITATION 133
#define ICMP6_REDIRECT 137

struct inner {
	struct in6_addr source;
	struct in6_addr dest;
	__u64 pair;   /* of both addresses, not mixed */
	__u32 family;
	__u32 length; /* of the packet as its header says, bytes */
	__u32 hash;   /* of the 5-tuple; of the 3-tuple for fragments */
	__u32 ports;  /* both, as they are in the header; 0: not read */
	__u16 header_bytes;
	__u8 traffic_class;
	__u8 hop_limit;
	__u8 protocol;
	__u8 l4_bytes; /* of the TCP or UDP header, for what a super-packet's segments are; else 0 */
	__u8 tcp_flags;
	__u8 icmp_type; /* 0, which is no error's: not ICMP, or not read */
} __attribute__((aligned(8))); /* addresses are compared in words of eight bytes */

/* Has clang keep a struct in memory: in registers, each way out of the parser is dozens of instructions that set fields nobody reads. */
#define IN_MEMORY(variable) asm volatile("" : : "r"(&(variable)) : "memory")

/* A quick mix of good quality (the finalizer of MurmurHash3). */
static __always_inline __u32 mix(__u64 a, __u64 b)
{
	__u64 h = a ^ (b * 0x9e3779b97f4a7c15ULL);

	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

/* Opens a connection: its MSS is clamped to the tenant's MTU. */
static __always_inline bool is_syn(const struct inner *inner)
{
	return (inner->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* Reads ports where there are any, and the transport header's length. */
static __always_inline void read_transport(struct inner *inner, void *header, void *data_end)
{
	__u32 ports = 0;

	if (inner->protocol == IPPROTO_TCP) {
		__u8 *tcp = header;

		if ((void *)(tcp + 20) <= data_end) {
			ports = *(__u32 *)header;
			inner->l4_bytes = (tcp[12] >> 4) * 4;
			inner->tcp_flags = tcp[13];
		}
	} else if (inner->protocol == IPPROTO_UDP) {
		if (header + 8 <= data_end) {
			ports = *(__u32 *)header;
			inner->l4_bytes = 8;
		}
	} else if (inner->protocol == IPPROTO_ICMP || inner->protocol == IPPROTO_ICMPV6) {
		if (header + 1 <= data_end)
			inner->icmp_type = *(__u8 *)header;
	}
	inner->ports = ports;
	inner->hash = mix(inner->pair, ((__u64)ports << 8) | inner->protocol);
}

/* For what has no ports to read, or has them behind options: by the addresses, so that a flow's packets stay together. */
static __always_inline void read_no_transport(struct inner *inner, __u8 protocol, __u64 addresses)
{
	/* Of the segments of a super-packet with options: TCP's shortest header. */
	inner->l4_bytes = protocol == IPPROTO_TCP ? 20 : protocol == IPPROTO_UDP ? 8 : 0;
	inner->ports = 0;
	inner->hash = mix(addresses, protocol);
}

static __always_inline enum reason read_inet(struct inner *inner, struct iphdr *ip, void *data_end)
{
	if ((void *)(ip + 1) > data_end)
		return DROP_MALFORMED;
	if (ip->version != 4 || ip->ihl < 5)
		return DROP_MALFORMED;
	inner->family = FAMILY_INET;
	inner->length = bpf_ntohs(ip->tot_len);
	inner->traffic_class = ip->tos;
	inner->hop_limit = ip->ttl;
	inner->protocol = ip->protocol;
	inner->header_bytes = ip->ihl * 4;
	inner->l4_bytes = 0;
	inner->tcp_flags = 0;
	inner->icmp_type = 0;
	__builtin_memset(&inner->source, 0, sizeof(inner->source));
	__builtin_memset(&inner->dest, 0, sizeof(inner->dest));
	inner->source.in6_u.u6_addr32[0] = ip->saddr;
	inner->dest.in6_u.u6_addr32[0] = ip->daddr;
	if (inner->length < inner->header_bytes)
		return DROP_MALFORMED;
	/* Limited broadcast, multicast: the first byte. */
	if (((__u8 *)&ip->daddr)[0] >= 224)
		return PUNT_NOT_ROUTED;
	inner->pair = ((__u64)ip->saddr << 32) | ip->daddr;
	if ((ip->frag_off & IP_OFFSET_OR_MORE) || ip->ihl != 5) {
		__u8 *transport = (__u8 *)ip + inner->header_bytes;

		read_no_transport(inner, ip->protocol, inner->pair);
		if (ip->protocol == IPPROTO_ICMP && !(ip->frag_off & IP_OFFSET) && (void *)(transport + 1) <= data_end)
			inner->icmp_type = *transport;
	} else
		read_transport(inner, ip + 1, data_end);
	return REASON_FORWARDED;
}

/* The extension headers that every reader walks over (docs/decisions.md); a routing header is refused first. */
static __always_inline bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT || next == IPPROTO_AH ||
	       next == EXTENSION_MOBILITY || next == EXTENSION_HIP || next == EXTENSION_SHIM6;
}

/* length: the extension header's second byte. AH counts words of four bytes (RFC 4302 section 2.2), a fragment header has none. */
static __always_inline __u32 extension_bytes(__u8 next, __u8 length)
{
	if (next == IPPROTO_FRAGMENT)
		return 8;
	return next == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
}

static __always_inline __u64 fold(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return (((__u64)word[0] << 32) | word[1]) * 0x9e3779b97f4a7c15ULL ^ (((__u64)word[2] << 32) | word[3]);
}

/*
 * Extension headers (RFC 8200 section 4) do not concern an encapsulation, but a routing header is refused wherever it stands. A chain
 * that is longer than this, or than the part of the packet that is there to be read, is for the kernel to judge.
 */
static __always_inline enum reason read_extensions(struct inner *inner, __u8 *at, void *data_end, __u64 addresses)
{
	__u8 *begin = at;
	__u8 next = inner->protocol;
	bool fragment = false;
	int i;

#pragma unroll
	for (i = 0; i <= MAX_EXTENSIONS; i++) {
		if (next == IPPROTO_ROUTING)
			return DROP_ROUTING_HEADER;
		if (fragment || !is_extension(next)) {
			inner->header_bytes += at - begin;
			if (inner->length < inner->header_bytes)
				return DROP_MALFORMED;
			/* All fragments of a packet begin with the same header: the last one may differ between them. */
			read_no_transport(inner, inner->protocol, addresses);
			if (next == IPPROTO_TCP)
				inner->l4_bytes = 20;
			return REASON_FORWARDED;
		}
		if (i == MAX_EXTENSIONS || (void *)(at + 8) > data_end)
			return PUNT_IP_OPTIONS;
		if (next == IPPROTO_FRAGMENT) {
			/* What follows is from the middle of the packet. */
			fragment = *(__u16 *)(at + 2) & IP6_OFFSET;
			next = *at;
			at += 8;
		} else {
			__u32 bytes = extension_bytes(next, at[1]);

			next = *at;
			at += bytes;
		}
	}
	return PUNT_IP_OPTIONS;
}

/* fe80::/10 */
static __always_inline bool is_link_local(const struct in6_addr *address)
{
	return (address->in6_u.u6_addr16[0] & bpf_htons(0xffc0)) == bpf_htons(0xfe80);
}

static __always_inline enum reason read_inet6(struct inner *inner, struct ipv6hdr *ip6, void *data_end)
{
	__u8 *after = (__u8 *)(ip6 + 1);

	if ((void *)after > data_end || ip6->version != 6)
		return DROP_MALFORMED;
	inner->family = FAMILY_INET6;
	inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
	inner->traffic_class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
	inner->hop_limit = ip6->hop_limit;
	inner->protocol = ip6->nexthdr;
	inner->header_bytes = sizeof(*ip6);
	inner->l4_bytes = 0;
	inner->tcp_flags = 0;
	inner->icmp_type = 0;
	inner->source = ip6->saddr;
	inner->dest = ip6->daddr;
	if (ip6->daddr.in6_u.u6_addr8[0] == 0xff)
		return PUNT_NOT_ROUTED;
	if (is_link_local(&ip6->daddr))
		return PUNT_NOT_ROUTED;
	inner->pair = fold(&ip6->saddr) ^ (fold(&ip6->daddr) >> 7);
	switch (ip6->nexthdr) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		break;
	case IPPROTO_ICMPV6:
		if ((void *)(after + 1) > data_end)
			return DROP_MALFORMED;
		/* Neighbour discovery is between the VM and this node, whatever address it asks. */
		if (*after >= ICMP6_ROUTER_SOLICITATION && *after <= ICMP6_REDIRECT)
			return PUNT_NOT_ROUTED;
		break;
	case IPPROTO_ROUTING:
		return DROP_ROUTING_HEADER;
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case EXTENSION_MOBILITY:
	case EXTENSION_HIP:
	case EXTENSION_SHIM6:
		return read_extensions(inner, after, data_end, inner->pair);
	}
	read_transport(inner, after, data_end);
	return REASON_FORWARDED;
}

/* Destination and source of a frame, twelve bytes in a row: byte by byte, as the compiler copies what may lie anywhere, costs 10 ns. */
static __always_inline void write_macs(struct ethhdr *eth, const __u8 *addresses)
{
	*(__u64 *)eth = *(const __u64 *)addresses;
	*(__u32 *)((void *)eth + 8) = *(const __u32 *)(addresses + 8);
}

/* One hop less. The checksum of IPv4 changes as if 0x0100 had been added to it (RFC 1624). */
static __always_inline void step_inet(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* One hop more: takes step_inet() back. */
static __always_inline void unstep_inet(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += (__u16)~bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl++;
}

/* RFC 6040 section 4.2: congestion met on the way is carried in. */
static __always_inline enum reason carry_congestion(void *header, const struct inner *inner, __u8 outer_class)
{
	if ((outer_class & 3) != 3 || (inner->traffic_class & 3) == 3)
		return REASON_FORWARDED;
	if ((inner->traffic_class & 3) == 0)
		return DROP_ECN;
	if (inner->family == FAMILY_INET) {
		struct iphdr *ip = header;
		__u32 check = (__u16)~ip->check;
		__u8 tos = ip->tos | 3;

		/* RFC 1624, equation 3, for the word of version, length and class of service. */
		check += (__u16)~bpf_htons(0x4500 | ip->tos) + bpf_htons(0x4500 | tos);
		check = (check & 0xffff) + (check >> 16);
		check = (check & 0xffff) + (check >> 16);
		ip->check = ~check;
		ip->tos = tos;
	} else {
		struct ipv6hdr *ip6 = header;

		ip6->flow_lbl[0] |= 3 << 4;
	}
	return REASON_FORWARDED;
}
