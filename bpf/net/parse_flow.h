/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which flow a packet belongs to, fragments and ICMP errors too. Nothing is left to the kernel here: options and extension headers are
 * walked over.
 */
#pragma once
#include <stdbool.h>
#include "abi/gateway_types.h"
#include "net/parse.h"

/* Of these flags, a SYN alone opens a connection. */
#define TCP_OPENS (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)

enum packet_kind {
	PACKET_WHOLE,
	PACKET_FIRST_FRAGMENT,
	PACKET_LATER_FRAGMENT,
	PACKET_ERROR, /* an ICMP error: its flow is that of the packet that it quotes, as that one was sent */
};

struct packet {
	struct inner inner; /* without hash and header lengths */
	struct flow_key key;
	__be32 fragment; /* identification */
	__u8 kind;	 /* enum packet_kind */
	bool opens;	 /* it may be the first of a connection */
	__u8 tcp_flags;
	__u8 scale; /* TCP's window scale, of a SYN; NO_SCALE: it offers none */
	/* TCP; read_tcp() reads these and `scale` where they are needed. */
	__u32 sequence;
	__u32 acked;
	__u16 window;
};

/* Ports, and whether it opens. quoted: 8 bytes must do (RFC 792), and errors are not looked into. */
static __always_inline enum reason read_flow_ports(struct packet *packet, __u8 *header, void *data_end, bool quoted)
{
	struct flow_key *key = &packet->key;

	packet->opens = false;
	switch (key->protocol) {
	case IPPROTO_TCP:
		if ((void *)(header + (quoted ? 4 : 20)) > data_end)
			return DROP_MALFORMED;
		key->source_port = *(__be16 *)header;
		key->dest_port = *(__be16 *)(header + 2);
		if (quoted)
			break;
		packet->inner.ports = *(__u32 *)header;
		packet->tcp_flags = header[13];
		packet->inner.tcp_flags = header[13];
		packet->inner.l4_bytes = (header[12] >> 4) * 4;
		packet->opens = (header[13] & TCP_OPENS) == TCP_SYN;
		break;
	case IPPROTO_UDP:
		if ((void *)(header + 8) > data_end)
			return DROP_MALFORMED;
		key->source_port = *(__be16 *)header;
		key->dest_port = *(__be16 *)(header + 2);
		packet->inner.ports = *(__u32 *)header;
		packet->inner.l4_bytes = 8;
		packet->opens = true;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if ((void *)(header + 8) > data_end)
			return DROP_MALFORMED;
		/* The identifier, where it has one. */
		key->source_port = *(__be16 *)(header + 4);
		key->dest_port = key->source_port;
		if (key->protocol == IPPROTO_ICMP) {
			packet->opens = header[0] == ICMP_ECHO_REQUEST || header[0] == ICMP_TIMESTAMP_REQUEST;
			if (header[0] == ICMP_UNREACHABLE || header[0] == ICMP_EXCEEDED || header[0] == ICMP_PARAMETER)
				packet->kind = PACKET_ERROR;
		} else {
			packet->opens = header[0] == ICMP6_ECHO_REQUEST;
			if (header[0] <= ICMP6_ERROR_MAX)
				packet->kind = PACKET_ERROR;
		}
		break;
	default:
		packet->opens = true;
	}
	return REASON_FORWARDED;
}

/* The header behind a chain of extension headers. */
struct upper_header {
	__u8 *at;
	__be32 fragment; /* identification */
	__u8 protocol;
	__u8 kind; /* enum packet_kind */
};

/* Walks over extension headers: those that read_extensions() knows, in the packet as in the quote of an error. */
static __always_inline enum reason skip_extensions(struct upper_header *upper, struct ipv6hdr *ip6, void *data_end)
{
	__u8 *at = (__u8 *)(ip6 + 1);
	__u8 next = ip6->nexthdr;
	int index;

	upper->fragment = 0;
	upper->kind = PACKET_WHOLE;
	for (index = 0; index < MAX_EXTENSIONS; index++) {
		__u8 header = next;

		if (header == IPPROTO_ROUTING)
			return DROP_ROUTING_HEADER;
		if (!is_extension(header))
			break;
		if ((void *)(at + 8) > data_end)
			return DROP_MALFORMED;
		next = at[0];
		if (header == IPPROTO_FRAGMENT) {
			__u16 offset = bpf_ntohs(*(__be16 *)(at + 2));

			upper->fragment = *(__be32 *)(at + 4);
			if (offset & 0xfff8) {
				upper->kind = PACKET_LATER_FRAGMENT;
				break;
			}
			/* One that is whole (RFC 6946) is no fragment. */
			if (offset & 1)
				upper->kind = PACKET_FIRST_FRAGMENT;
		}
		at += extension_bytes(header, at[1]);
	}
	if (index == MAX_EXTENSIONS)
		return DROP_MALFORMED;
	upper->at = at;
	upper->protocol = next;
	return REASON_FORWARDED;
}

/* The flow of the packet that an ICMP error quotes. */
static __always_inline enum reason read_quoted(struct packet *packet, __u8 *header, void *data_end)
{
	struct flow_key *key = &packet->key;
	__u8 *transport;

	if (packet->inner.family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(header + 8);

		if ((void *)(ip + 1) > data_end || ip->version != 4 || ip->ihl < 5)
			return DROP_MALFORMED;
		key->source.in6_u.u6_addr32[0] = ip->saddr;
		key->dest.in6_u.u6_addr32[0] = ip->daddr;
		key->protocol = ip->protocol;
		/* Of a later fragment it cannot be said. */
		if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
			return DROP_NOT_ESTABLISHED;
		transport = (__u8 *)ip + ip->ihl * 4;
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)(header + 8);
		struct upper_header upper;
		enum reason reason;

		if ((void *)(ip6 + 1) > data_end || ip6->version != 6)
			return DROP_MALFORMED;
		key->source = ip6->saddr;
		key->dest = ip6->daddr;
		reason = skip_extensions(&upper, ip6, data_end);
		if (reason != REASON_FORWARDED)
			return reason;
		if (upper.kind == PACKET_LATER_FRAGMENT)
			return DROP_NOT_ESTABLISHED;
		key->protocol = upper.protocol;
		transport = upper.at;
	}
	key->source_port = 0;
	key->dest_port = 0;
	/* An error about an error is not sent (RFC 1122 section 3.2.2): the kind stays. */
	if (read_flow_ports(packet, transport, data_end, true) != REASON_FORWARDED)
		return DROP_MALFORMED;
	packet->kind = PACKET_ERROR;
	packet->opens = false;
	return REASON_FORWARDED;
}

static __always_inline enum reason read_flow(struct packet *packet, __u8 *transport, void *data_end)
{
	enum reason reason;

	/* Its ports are in the first. */
	if (packet->kind == PACKET_LATER_FRAGMENT)
		return REASON_FORWARDED;
	reason = read_flow_ports(packet, transport, data_end, false);
	if (reason != REASON_FORWARDED || packet->kind != PACKET_ERROR)
		return reason;
	return read_quoted(packet, transport, data_end);
}

static __always_inline enum reason read_packet_inet(struct packet *packet, struct iphdr *ip, void *data_end)
{
	struct inner *inner = &packet->inner;
	__u16 fragment;

	if ((void *)(ip + 1) > data_end || ip->version != 4 || ip->ihl < 5)
		return DROP_MALFORMED;
	inner->family = FAMILY_INET;
	inner->length = bpf_ntohs(ip->tot_len);
	inner->traffic_class = ip->tos;
	inner->hop_limit = ip->ttl;
	inner->protocol = ip->protocol;
	inner->header_bytes = ip->ihl * 4;
	inner->source.in6_u.u6_addr32[0] = ip->saddr;
	inner->dest.in6_u.u6_addr32[0] = ip->daddr;
	if (inner->length < inner->header_bytes)
		return DROP_MALFORMED;
	packet->key.source = inner->source;
	packet->key.dest = inner->dest;
	packet->key.protocol = ip->protocol;
	packet->key.family = FAMILY_INET;
	packet->fragment = ip->id;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & FRAGMENT_OFFSET) {
		/* It would write over the flags of the first fragment's TCP header (RFC 3128). */
		if (ip->protocol == IPPROTO_TCP && (fragment & FRAGMENT_OFFSET) == 1)
			return DROP_MALFORMED;
		packet->kind = PACKET_LATER_FRAGMENT;
	} else if (fragment & FRAGMENT_MORE) {
		packet->kind = PACKET_FIRST_FRAGMENT;
	}
	return read_flow(packet, (__u8 *)ip + inner->header_bytes, data_end);
}

static __always_inline enum reason read_packet_inet6(struct packet *packet, struct ipv6hdr *ip6, void *data_end)
{
	struct inner *inner = &packet->inner;
	struct upper_header upper;
	enum reason reason;

	if ((void *)(ip6 + 1) > data_end || ip6->version != 6)
		return DROP_MALFORMED;
	inner->family = FAMILY_INET6;
	inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
	inner->traffic_class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
	inner->hop_limit = ip6->hop_limit;
	inner->source = ip6->saddr;
	inner->dest = ip6->daddr;
	packet->key.source = ip6->saddr;
	packet->key.dest = ip6->daddr;
	packet->key.family = FAMILY_INET6;
	reason = skip_extensions(&upper, ip6, data_end);
	if (reason != REASON_FORWARDED)
		return reason;
	packet->fragment = upper.fragment;
	packet->kind = upper.kind;
	inner->protocol = upper.protocol;
	inner->header_bytes = upper.at - (__u8 *)ip6;
	packet->key.protocol = upper.protocol;
	return read_flow(packet, upper.at, data_end);
}

/* Reads a tenant's packet. protocol: of the header before it, IPPROTO_IPIP or IPPROTO_IPV6. */
static __always_inline enum reason read_packet(struct packet *packet, void *header, void *data_end, __u8 protocol)
{
	__builtin_memset(packet, 0, sizeof(*packet));
	if (protocol == IPPROTO_IPIP)
		return read_packet_inet(packet, header, data_end);
	return read_packet_inet6(packet, header, data_end);
}
