/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Parses which flow a packet belongs to, fragments and ICMP errors included. Nothing is left to the kernel: options and extension headers are
 * walked over.
 */
#pragma once
#include <stdbool.h>
#include "abi/gateway_types.h"
#include "net/parse.h"

/* A packet opens a connection if SYN is the only one of these flags that it has. */
#define TCP_OPENS (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)

/* Largest offset of a packet in the frame: more than outer headers take. */
#define PACKET_OFFSET_MAX 512

struct packet {
	struct inner inner; /* without hash */
	struct flow_key key;
	__be32 fragment; /* identification */
	__u8 type; /* enum packet_type */
	bool opens; /* it may be the first of a connection */
	__u8 tcp_flags;
	__u8 scale; /* window scale of a TCP SYN; NO_SCALE: it offers none */
	/* TCP; parse_tcp() sets these and `scale`. */
	__u32 sequence;
	__u32 acked;
	__u16 window;
};

/* Parses ports from the first 8 bytes of an original datagram's payload, which every error quotes (RFC 792). payload: bytes that are quoted */
static __always_inline enum reason parse_quoted_l4(struct flow_key *key, const struct cursor *cursor, __u32 payload)
{
	__u32 bytes = key->protocol == IPPROTO_TCP ? 4 : 8;
	bool is_there = payload >= bytes && cursor_has(cursor, bytes);
	__u8 *header = cursor->at;

	switch (key->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (!is_there)
			return DROP_MALFORMED;
		key->source_port = *(__be16 *)header;
		key->dest_port = *(__be16 *)(header + 2);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (!is_there)
			return DROP_MALFORMED;
		key->source_port = *(__be16 *)(header + 4);
		key->dest_port = key->source_port;
	}
	return REASON_FORWARDED;
}

/* Parses ports, and whether the packet may open a connection. */
static __always_inline enum reason parse_flow_l4(struct packet *packet, const struct cursor *cursor)
{
	struct inner *inner = &packet->inner;
	struct flow_key *key = &packet->key;
	__u8 *icmp = cursor->at;

	if (!parse_l4(inner, cursor))
		return DROP_MALFORMED;
	switch (inner->protocol) {
	case IPPROTO_TCP:
		packet->tcp_flags = inner->tcp_flags;
		packet->opens = (inner->tcp_flags & TCP_OPENS) == TCP_SYN;
		break;
	case IPPROTO_UDP:
		packet->opens = true;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (inner->length - inner->header_bytes < 8 || !cursor_has(cursor, 8))
			return DROP_MALFORMED;
		/* The identifier, if the type has one. */
		key->source_port = *(__be16 *)(icmp + 4);
		key->dest_port = key->source_port;
		packet->opens = is_icmp_request_type(inner->protocol, inner->icmp_type);
		if (is_icmp_error(inner->protocol, inner->icmp_type))
			packet->type = PACKET_ERROR;
		return REASON_FORWARDED;
	default:
		packet->opens = true;
		return REASON_FORWARDED;
	}
	key->source_port = inner->ports;
	key->dest_port = inner->ports >> 16;
	return REASON_FORWARDED;
}

/* Parses the original datagram of an ICMP error, whose header of 8 bytes is at the cursor. at: the cursor's offset in the frame */
static __always_inline enum reason parse_icmp_original(struct CTX *ctx, struct packet *packet, struct cursor *cursor, __u32 at)
{
	__u32 payload = packet->inner.length - packet->inner.header_bytes, bytes = 8;
	struct flow_key *key = &packet->key;

	cursor->at += bytes;
	if (packet->inner.family == FAMILY_INET) {
		struct iphdr *ip = cursor->at;

		/* The datagram is truncated: its total length exceeds the quoted bytes. */
		if (!cursor_take(cursor, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5)
			return DROP_MALFORMED;
		key->source.in6_u.u6_addr32[0] = ip->saddr;
		key->dest.in6_u.u6_addr32[0] = ip->daddr;
		key->protocol = ip->protocol;
		/* A quoted non-first fragment carries no ports. */
		if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
			return DROP_NOT_ESTABLISHED;
		cursor->at = (void *)ip + ip->ihl * 4;
		bytes += ip->ihl * 4;
	} else {
		struct ipv6hdr *ip6 = cursor->at;
		struct ext_chain chain;
		enum reason reason;
		__u32 length;

		if (!cursor_take(cursor, sizeof(*ip6)) || ip6->version != 6)
			return DROP_MALFORMED;
		key->source = ip6->saddr;
		key->dest = ip6->daddr;
		reason = walk_ext_headers(ctx, &chain, at + 8 + sizeof(*ip6), ip6->nexthdr);
		if (reason == PUNT_IP_OPTIONS)
			return DROP_MALFORMED;
		if (reason != REASON_FORWARDED)
			return reason;
		if (chain.type == PACKET_LATER_FRAGMENT)
			return DROP_NOT_ESTABLISHED;
		length = chain.bytes;
		barrier_var(length);
		if (length > CHAIN_BYTES_MAX)
			return DROP_MALFORMED;
		cursor->at += length;
		bytes += sizeof(*ip6) + length;
		key->protocol = chain.protocol;
	}
	key->source_port = 0;
	key->dest_port = 0;
	/* Padding behind the packet is no part of the quote. */
	if (bytes > payload || parse_quoted_l4(key, cursor, payload - bytes) != REASON_FORWARDED)
		return DROP_MALFORMED;
	packet->opens = false;
	return REASON_FORWARDED;
}

/* at: the cursor's offset in the frame */
static __always_inline enum reason parse_flow(struct CTX *ctx, struct packet *packet, struct cursor *cursor, __u32 at)
{
	enum reason reason;

	packet->key.source = packet->inner.source;
	packet->key.dest = packet->inner.dest;
	packet->key.protocol = packet->inner.protocol;
	packet->key.family = packet->inner.family;
	/* Only the first fragment has ports. */
	if (packet->type == PACKET_LATER_FRAGMENT)
		return REASON_FORWARDED;
	reason = parse_flow_l4(packet, cursor);
	if (reason != REASON_FORWARDED || packet->type != PACKET_ERROR)
		return reason;
	return parse_icmp_original(ctx, packet, cursor, at);
}

static __always_inline enum reason parse_flow_ipv4(struct CTX *ctx, struct packet *packet, struct cursor *cursor, __u32 at)
{
	struct iphdr *ip = cursor->at;
	__u16 fragment;

	if (!parse_ipv4_header(&packet->inner, cursor))
		return DROP_MALFORMED;
	packet->fragment = ip->id;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & FRAGMENT_OFFSET) {
		/* At 8 bytes a fragment overwrites the flags in the first fragment's TCP header (RFC 3128). */
		if (ip->protocol == IPPROTO_TCP && (fragment & FRAGMENT_OFFSET) == 1)
			return DROP_MALFORMED;
		packet->type = PACKET_LATER_FRAGMENT;
	} else if (fragment & FRAGMENT_MORE) {
		packet->type = PACKET_FIRST_FRAGMENT;
	}
	return parse_flow(ctx, packet, cursor, at + packet->inner.header_bytes);
}

static __always_inline enum reason parse_flow_ipv6(struct CTX *ctx, struct packet *packet, struct cursor *cursor, __u32 at)
{
	struct ext_chain chain;
	enum reason reason;

	if (!parse_ipv6_header(&packet->inner, cursor))
		return DROP_MALFORMED;
	reason = parse_ipv6_chain(ctx, &packet->inner, &chain, cursor, at);
	/* There is no kernel fallback. */
	if (reason == PUNT_IP_OPTIONS)
		return DROP_MALFORMED;
	if (reason != REASON_FORWARDED)
		return reason;
	packet->fragment = chain.fragment;
	packet->type = chain.type;
	return parse_flow(ctx, packet, cursor, at + packet->inner.header_bytes);
}

/*
 * Parses the packet at an offset of the frame, with its flow. A global function: the verifier checks it once, by itself.
 *
 * protocol: of the packet, IPPROTO_IPIP or IPPROTO_IPV6
 */
__noinline int parse_packet(struct CTX *ctx, struct packet *packet, __u32 at, __u8 protocol)
{
	struct cursor cursor;

	if (!packet || at > PACKET_OFFSET_MAX)
		return DROP_MALFORMED;
	__builtin_memset(packet, 0, sizeof(*packet));
	cursor.at = (void *)(long)ctx->data + at;
	cursor.end = (void *)(long)ctx->data_end;
	return protocol == IPPROTO_IPIP ? parse_flow_ipv4(ctx, packet, &cursor, at) : parse_flow_ipv6(ctx, packet, &cursor, at);
}
