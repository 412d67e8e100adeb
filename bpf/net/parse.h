/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A tenant's packet, read: what is looked up, checked and hashed. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi/reasons.h"
#include "abi/types.h"
#include "net/addr.h"
#include "net/ext_headers.h"
#include "net/hash.h"
#include "net/proto.h"

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
