/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors from the tenant's gateway: Time Exceeded, Destination Unreachable, Fragmentation Needed (RFC 1191), Packet Too Big (RFC 4443). */
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

/* An `mtu` that asks for Destination Unreachable, as Linux sends it for a route of type unreachable. */
#define NO_ROUTE 0xffffffff

struct icmp_error {
	struct icmp_head head;
	__be32 value; /* the MTU, or zero */
};

struct icmp4_error {
	struct iphdr ip;
	struct icmp_error icmp;
};

struct icmp6_error {
	struct ipv6hdr ip6;
	struct icmp_error icmp;
};

/* `unused` aligns the headers behind the Ethernet header. */
struct icmp_error_frame {
	__u8 unused[2];
	struct ethhdr eth;
	union {
		struct icmp4_error inet;
		struct icmp6_error inet6;
	};
};

static __always_inline __u32 icmp_error_bytes(const struct orig_dgram *orig)
{
	return orig->inner.family == FAMILY_INET ? sizeof(struct icmp4_error) : sizeof(struct icmp6_error);
}

static __always_inline void write_icmp4_error(struct icmp4_error *error, const struct orig_dgram *orig, __u32 mtu)
{
	struct iphdr *ip = &error->ip;

	*(__u8 *)ip = 0x45;
	ip->tos = TOS_ERROR;
	ip->tot_len = bpf_htons(sizeof(*error) + orig->bytes);
	ip->id = 0;
	ip->frag_off = IP_DONT_FRAGMENT;
	ip->ttl = REPLY_HOP_LIMIT;
	ip->protocol = IPPROTO_ICMP;
	ip->check = 0;
	ip->saddr = orig->icmp_src.in6_u.u6_addr32[0];
	ip->daddr = orig->inner.source.in6_u.u6_addr32[0];
	ip->check = csum_fold(csum_bytes(ip, sizeof(*ip)));
	error->icmp.head.type = mtu ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
	error->icmp.head.code = mtu == NO_ROUTE ? ICMP_HOST_UNREACHABLE : mtu ? ICMP_FRAGMENTATION_NEEDED : 0;
	error->icmp.head.checksum = 0;
	error->icmp.value = mtu == NO_ROUTE ? 0 : bpf_htonl(mtu);
	error->icmp.head.checksum = csum_fold(csum_bytes(&error->icmp, sizeof(error->icmp)) + orig->sum);
}

static __always_inline void write_icmp6_error(struct icmp6_error *error, const struct orig_dgram *orig, __u32 mtu)
{
	const __u32 bytes = sizeof(error->icmp) + orig->bytes;
	struct ipv6hdr *ip6 = &error->ip6;
	__u64 sum;

	*(__be32 *)ip6 = bpf_htonl(0x60000000);
	ip6->payload_len = bpf_htons(bytes);
	ip6->nexthdr = IPPROTO_ICMPV6;
	ip6->hop_limit = REPLY_HOP_LIMIT;
	ip6->saddr = orig->icmp_src;
	ip6->daddr = orig->inner.source;
	error->icmp.head.type = mtu == NO_ROUTE ? ICMP6_UNREACHABLE : mtu ? ICMP6_PACKET_TOO_BIG : ICMP6_TIME_EXCEEDED;
	error->icmp.head.code = 0;
	error->icmp.head.checksum = 0;
	error->icmp.value = mtu == NO_ROUTE ? 0 : bpf_htonl(mtu);
	sum = csum_bytes(&ip6->saddr, 2 * sizeof(struct in6_addr) + sizeof(error->icmp));
	error->icmp.head.checksum = csum_fold(sum + orig->sum + bpf_htonl(bytes) + bpf_htonl(IPPROTO_ICMPV6));
}

/*
 * Writes the headers of an ICMP error in front of the original datagram.
 *
 * mtu: of the next hop; 0 for Time Exceeded; NO_ROUTE
 */
static __always_inline void write_icmp_error(void *into, const struct orig_dgram *orig, __u32 mtu)
{
	if (orig->inner.family == FAMILY_INET)
		write_icmp4_error(into, orig, mtu);
	else
		write_icmp6_error(into, orig, mtu);
}

/* The error's source is the gateway of the port's subnet. Returns false if the subnet has no gateway of that family. */
static __always_inline bool set_icmp_src_port(struct orig_dgram *orig, const struct port *port)
{
	const __u32 *word = port->gateway6.in6_u.u6_addr32;

	if (orig->inner.family == FAMILY_INET) {
		orig->icmp_src.in6_u.u6_addr32[0] = port->gateway4;
		return port->gateway4;
	}
	orig->icmp_src = port->gateway6;
	return word[0] | word[1] | word[2] | word[3];
}

/* Reason to count when no ICMP error is sent. */
static __always_inline enum reason suppressed_reason(enum reason reason)
{
	if (reason == PUNT_NO_MEMBER)
		return reason;
	return reason == PUNT_HOP_LIMIT ? DROP_HOP_LIMIT : DROP_TOO_BIG;
}
