/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors from the tenant's gateway address: Time Exceeded, Destination Unreachable, Fragmentation Needed (RFC 1191), Packet Too Big (RFC 4443). */
#pragma once
#include "icmp/original.h"
#include "icmp/ratelimit.h"

#define ICMP_HOST_UNREACHABLE 1
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP6_UNREACHABLE 1 /* code 0: no route */
#define ICMP6_PACKET_TOO_BIG 2
#define ICMP6_TIME_EXCEEDED 3
/* Internetwork control (RFC 1812 section 4.3.2.5) */
#define TOS_ERROR 0xc0
#define IP_DONT_FRAGMENT bpf_htons(0x4000)

/* In the place of an MTU: Destination Unreachable, as Linux sends it where a route of type unreachable ends. */
#define NO_ROUTE 0xffffffff

struct icmp_error {
	struct icmp_head head;
	__be32 value; /* the MTU, or zero */
};

struct error_inet {
	struct iphdr ip;
	struct icmp_error icmp;
};

struct error_inet6 {
	struct ipv6hdr ip6;
	struct icmp_error icmp;
};

/* Begins so that what follows the Ethernet header is aligned. */
struct error_frame {
	__u8 unused[2];
	struct ethhdr eth;
	union {
		struct error_inet inet;
		struct error_inet6 inet6;
	};
};

static __always_inline __u32 error_bytes(const struct quote *quote)
{
	return quote->inner.family == FAMILY_INET ? sizeof(struct error_inet) : sizeof(struct error_inet6);
}

static __always_inline void write_error_inet(struct error_inet *error, const struct quote *quote, __u32 mtu)
{
	struct iphdr *ip = &error->ip;

	*(__u8 *)ip = 0x45;
	ip->tos = TOS_ERROR;
	ip->tot_len = bpf_htons(sizeof(*error) + quote->bytes);
	ip->id = 0;
	ip->frag_off = IP_DONT_FRAGMENT;
	ip->ttl = REPLY_HOP_LIMIT;
	ip->protocol = IPPROTO_ICMP;
	ip->check = 0;
	ip->saddr = quote->teller.in6_u.u6_addr32[0];
	ip->daddr = quote->inner.source.in6_u.u6_addr32[0];
	ip->check = fold_sum(sum_of(ip, sizeof(*ip)));
	error->icmp.head.type = mtu ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
	error->icmp.head.code = mtu == NO_ROUTE ? ICMP_HOST_UNREACHABLE : mtu ? ICMP_FRAGMENTATION_NEEDED : 0;
	error->icmp.head.checksum = 0;
	error->icmp.value = mtu == NO_ROUTE ? 0 : bpf_htonl(mtu);
	error->icmp.head.checksum = fold_sum(sum_of(&error->icmp, sizeof(error->icmp)) + quote->sum);
}

static __always_inline void write_error_inet6(struct error_inet6 *error, const struct quote *quote, __u32 mtu)
{
	const __u32 bytes = sizeof(error->icmp) + quote->bytes;
	struct ipv6hdr *ip6 = &error->ip6;
	__u64 sum;

	*(__be32 *)ip6 = bpf_htonl(0x60000000);
	ip6->payload_len = bpf_htons(bytes);
	ip6->nexthdr = IPPROTO_ICMPV6;
	ip6->hop_limit = REPLY_HOP_LIMIT;
	ip6->saddr = quote->teller;
	ip6->daddr = quote->inner.source;
	error->icmp.head.type = mtu == NO_ROUTE ? ICMP6_UNREACHABLE : mtu ? ICMP6_PACKET_TOO_BIG : ICMP6_TIME_EXCEEDED;
	error->icmp.head.code = 0;
	error->icmp.head.checksum = 0;
	error->icmp.value = mtu == NO_ROUTE ? 0 : bpf_htonl(mtu);
	sum = sum_of(&ip6->saddr, 2 * sizeof(struct in6_addr) + sizeof(error->icmp));
	error->icmp.head.checksum = fold_sum(sum + quote->sum + bpf_htonl(bytes) + bpf_htonl(IPPROTO_ICMPV6));
}

/*
 * Writes the headers of an error in front of its quote.
 *
 * mtu: of the next hop; 0 for Time Exceeded; NO_ROUTE
 */
static __always_inline void write_error(void *into, const struct quote *quote, __u32 mtu)
{
	if (quote->inner.family == FAMILY_INET)
		write_error_inet(into, quote, mtu);
	else
		write_error_inet6(into, quote, mtu);
}

/* The gateway of a port's VM tells. False: there is none of that family. */
static __always_inline bool let_gateway_tell(struct quote *quote, const struct port *port)
{
	const __u32 *word = port->gateway6.in6_u.u6_addr32;

	if (quote->inner.family == FAMILY_INET) {
		quote->teller.in6_u.u6_addr32[0] = port->gateway4;
		return port->gateway4;
	}
	quote->teller = port->gateway6;
	return word[0] | word[1] | word[2] | word[3];
}

/* What a packet was lost of, where nobody is told. */
static __always_inline enum reason suppressed_reason(enum reason reason)
{
	if (reason == PUNT_NO_MEMBER)
		return reason;
	return reason == PUNT_HOP_LIMIT ? DROP_HOP_LIMIT : DROP_TOO_BIG;
}
