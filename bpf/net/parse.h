/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Parses a tenant's packet: the fields that are looked up, checked and hashed. Every reader takes headers from a cursor (net/cursor.h) by the
 * functions here, extension headers by net/ext_headers.h, outer ones by net/outer.h, ICMP types by net/icmp.h. net/parse_flow.h adds flows.
 */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi/reasons.h"
#include "abi/types.h"
#include "net/addr.h"
#include "net/cursor.h"
#include "net/ext_headers.h"
#include "net/hash.h"
#include "net/icmp.h"
#include "net/proto.h"

struct inner {
	struct in6_addr source;
	struct in6_addr dest;
	__u64 addr_hash; /* of both addresses, not mixed */
	__u32 family;
	__u32 length; /* of the packet by its header, bytes */
	__u32 hash; /* of the 5-tuple; of the 3-tuple for fragments */
	__u32 ports; /* both, as in the header; 0: not parsed */
	__u16 header_bytes; /* of the IP header with options or extension headers */
	__u8 traffic_class;
	__u8 hop_limit;
	__u8 protocol; /* behind extension headers */
	__u8 l4_bytes; /* of the TCP or UDP header, to which a super-packet's segment size adds; else 0 */
	__u8 tcp_flags;
	__u8 icmp_type; /* 0, which no error has: not ICMP, or not parsed */
} __attribute__((aligned(8))); /* addresses are compared in words of eight bytes */

/* Keeps a struct on the stack: in registers, each return of the parser takes dozens of instructions to set fields that nobody reads. */
#define force_stack(variable) asm volatile("" : : "r"(&(variable)) : "memory")

/* Whether a packet is a SYN or SYN-ACK: its MSS is clamped to the tenant's MTU. */
static __always_inline bool is_syn(const struct inner *inner)
{
	return (inner->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* Parses the IPv4 header with its options at the cursor. Returns false if it is malformed. */
static __always_inline bool parse_ipv4_header(struct inner *inner, struct cursor *cursor)
{
	struct iphdr *ip = cursor->at;

	if (!cursor_take(cursor, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5)
		return false;
	inner->family = FAMILY_INET;
	inner->length = bpf_ntohs(ip->tot_len);
	inner->traffic_class = ip->tos;
	inner->hop_limit = ip->ttl;
	inner->protocol = ip->protocol;
	inner->header_bytes = ip->ihl * 4;
	inner->ports = 0;
	inner->l4_bytes = 0;
	inner->tcp_flags = 0;
	inner->icmp_type = 0;
	__builtin_memset(&inner->source, 0, sizeof(inner->source));
	__builtin_memset(&inner->dest, 0, sizeof(inner->dest));
	inner->source.in6_u.u6_addr32[0] = ip->saddr;
	inner->dest.in6_u.u6_addr32[0] = ip->daddr;
	if (ip->ihl != 5)
		cursor->at = (void *)ip + inner->header_bytes;
	return inner->length >= inner->header_bytes;
}

/* Parses the IPv6 header without extension headers at the cursor. Returns false if it is malformed. */
static __always_inline bool parse_ipv6_header(struct inner *inner, struct cursor *cursor)
{
	struct ipv6hdr *ip6 = cursor->at;

	if (!cursor_take(cursor, sizeof(*ip6)) || ip6->version != 6)
		return false;
	inner->family = FAMILY_INET6;
	inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
	inner->traffic_class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
	inner->hop_limit = ip6->hop_limit;
	inner->protocol = ip6->nexthdr;
	inner->header_bytes = sizeof(*ip6);
	inner->ports = 0;
	inner->l4_bytes = 0;
	inner->tcp_flags = 0;
	inner->icmp_type = 0;
	inner->source = ip6->saddr;
	inner->dest = ip6->daddr;
	return true;
}

/*
 * Parses the extension headers at the cursor, and moves the cursor behind them. at: offset of the IPv6 header before them in the frame
 * Returns REASON_FORWARDED, DROP_ROUTING_HEADER, PUNT_IP_OPTIONS or DROP_MALFORMED.
 */
static __always_inline enum reason parse_ipv6_chain(struct CTX *ctx, struct inner *inner, struct ext_chain *chain, struct cursor *cursor, __u32 at)
{
	enum reason reason = walk_ext_headers(ctx, chain, at + sizeof(struct ipv6hdr), inner->protocol);
	__u32 bytes;

	if (reason != REASON_FORWARDED)
		return reason;
	bytes = chain->bytes;
	barrier_var(bytes);
	if (bytes > CHAIN_BYTES_MAX)
		return DROP_MALFORMED;
	cursor->at += bytes;
	inner->header_bytes += bytes;
	inner->protocol = chain->protocol;
	return inner->length < inner->header_bytes ? DROP_MALFORMED : REASON_FORWARDED;
}

/*
 * Parses the fields of the TCP, UDP or ICMP header at the cursor that segments, policies and caches need. Not for later fragments. Returns false,
 * with no field set, if the packet or its linear memory ends before the header does. Padding behind the packet is not read.
 */
static __always_inline bool parse_l4(struct inner *inner, const struct cursor *cursor)
{
	__u32 payload = inner->length - inner->header_bytes;
	__u8 *header = cursor->at;

	switch (inner->protocol) {
	case IPPROTO_TCP:
		if (payload < 20 || !cursor_has(cursor, 20))
			return false;
		inner->ports = *(__u32 *)header;
		inner->l4_bytes = (header[12] >> 4) * 4;
		inner->tcp_flags = header[13];
		return true;
	case IPPROTO_UDP:
		if (payload < 8 || !cursor_has(cursor, 8))
			return false;
		inner->ports = *(__u32 *)header;
		inner->l4_bytes = 8;
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (!payload || !cursor_has(cursor, 1))
			return false;
		inner->icmp_type = *header;
	}
	return true;
}

static __always_inline void hash_with_ports(struct inner *inner)
{
	inner->hash = hash_mix64(inner->addr_hash, ((__u64)inner->ports << 8) | inner->protocol);
}

/*
 * Parses the header behind options or extension headers, or of a first fragment. Ports are discarded: the hash is of the addresses, so that fragments
 * and whole packets of a flow with such headers take one way. protocol: for the hash
 */
static __always_inline void parse_l4_behind(struct inner *inner, const struct cursor *cursor, __u8 protocol)
{
	/* A header that cannot be read counts as the shortest, for the segments of a super-packet. */
	if (!parse_l4(inner, cursor))
		inner->l4_bytes = inner->protocol == IPPROTO_TCP ? 20 : inner->protocol == IPPROTO_UDP ? 8 : 0;
	inner->ports = 0;
	inner->hash = hash_mix64(inner->addr_hash, protocol);
}

static __always_inline enum reason parse_ipv4(struct inner *inner, struct cursor *cursor)
{
	struct iphdr *ip = cursor->at;

	if (!parse_ipv4_header(inner, cursor))
		return DROP_MALFORMED;
	/* Multicast and limited broadcast, by the first byte. */
	if (((__u8 *)&ip->daddr)[0] >= 224)
		return PUNT_NOT_ROUTED;
	inner->addr_hash = ((__u64)ip->saddr << 32) | ip->daddr;
	if ((ip->frag_off & IP_OFFSET_OR_MORE) || ip->ihl != 5) {
		if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
			inner->hash = hash_mix64(inner->addr_hash, inner->protocol);
		else
			parse_l4_behind(inner, cursor, inner->protocol);
		return REASON_FORWARDED;
	}
	parse_l4(inner, cursor);
	hash_with_ports(inner);
	return REASON_FORWARDED;
}

/*
 * Parses an IPv6 packet with extension headers. They do not matter to an encapsulation, but a routing header is refused wherever it stands. A chain
 * that cannot be walked to its end is left to the kernel.
 */
static __always_inline enum reason parse_ipv6_behind(struct CTX *ctx, struct inner *inner, struct cursor *cursor, __u32 at)
{
	/* Hashed for all fragments: the first next header is the same in each of them, the last one may differ. */
	__u8 first = inner->protocol;
	struct ext_chain chain;
	enum reason reason;

	reason = parse_ipv6_chain(ctx, inner, &chain, cursor, at);
	if (reason != REASON_FORWARDED)
		return reason;
	if (chain.type == PACKET_LATER_FRAGMENT)
		inner->hash = hash_mix64(inner->addr_hash, first);
	else
		parse_l4_behind(inner, cursor, first);
	return is_neighbour_discovery(inner->protocol, inner->icmp_type) ? PUNT_NOT_ROUTED : REASON_FORWARDED;
}

/* at: the cursor's offset in the frame */
static __always_inline enum reason parse_ipv6(struct CTX *ctx, struct inner *inner, struct cursor *cursor, __u32 at)
{
	struct ipv6hdr *ip6 = cursor->at;
	bool is_whole;

	if (!parse_ipv6_header(inner, cursor))
		return DROP_MALFORMED;
	if (ip6->daddr.in6_u.u6_addr8[0] == 0xff)
		return PUNT_NOT_ROUTED;
	if (is_link_local(&ip6->daddr))
		return PUNT_NOT_ROUTED;
	inner->addr_hash = hash_in6(&ip6->saddr) ^ (hash_in6(&ip6->daddr) >> 7);
	if (inner->protocol == IPPROTO_ROUTING)
		return DROP_ROUTING_HEADER;
	if (is_ext_header(inner->protocol))
		return parse_ipv6_behind(ctx, inner, cursor, at);
	is_whole = parse_l4(inner, cursor);
	if (inner->protocol == IPPROTO_ICMPV6) {
		if (!is_whole)
			return DROP_MALFORMED;
		/* Neighbour discovery is between the VM and this node, whatever its destination. */
		if (is_neighbour_discovery(inner->protocol, inner->icmp_type))
			return PUNT_NOT_ROUTED;
	}
	hash_with_ports(inner);
	return REASON_FORWARDED;
}
