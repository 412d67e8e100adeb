/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets that arrive for a SID of this node: End.DT4, End.DT6, End.DT46 (RFC 8986 sections 4.6 to 4.8). */
#pragma once
#include "fib/decap_cache.h"
#include "fib/endpoint.h"
#include "fib/port_cache.h"
#include "migrate/notice.h"
#include "net/ecn.h"
#include "net/outer.h"
#include "net/ttl.h"
#include "srv6/inner_source.h"
#include "srv6/outer_source.h"

/* XDP metadata of a frame that XDP has decapsulated and passes on. The frame's Ethernet destination is the VM's: without uplink_tc the kernel drops
 * it as another machine's. GRO merges only frames with equal metadata. */
struct decap_meta {
	__u32 magic;
	__u32 ifindex; /* of the port */
};
#define DECAP_META_MAGIC 0x5e90e500

/* An arrived packet, and the port of this node that it is for. */
struct decap_ctx {
	struct inner inner;
	struct outer outer;
	__u32 ifindex; /* of the port */
	const struct port *port;
};

/* Parses the headers from the outer one to those of the inner packet. */
static __always_inline enum reason decap_parse(struct CTX *ctx, struct decap_ctx *decap)
{
	struct cursor cursor = { (void *)(long)ctx->data + ETH_HLEN, (void *)(long)ctx->data_end };
	struct outer *outer = &decap->outer;
	enum reason reason = parse_outer(outer, &cursor);

	if (reason != REASON_FORWARDED)
		return reason;
	if (outer->protocol == IPPROTO_IPIP)
		reason = parse_ipv4(&decap->inner, &cursor);
	else
		reason = parse_ipv6(ctx, &decap->inner, &cursor, ETH_HLEN + outer->bytes);
	if (reason == REASON_FORWARDED && outer->bytes + decap->inner.length > outer->length)
		return DROP_MALFORMED;
	return reason;
}

/* Parses an arrived packet and looks its port up. REASON_COUNT: passed on uncounted; it is for no SID of this node, or tcx must check its source. */
static __always_inline enum reason decap_lookup(struct CTX *ctx, struct decap_ctx *decap, enum arrival_path arrival_path)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	__u64 generation = cache_generation_now();
	struct ethhdr *eth = data;
	struct endpoint *endpoint;
	enum reason reason, source;
	struct sid *sid;

	if ((void *)(outer + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	reason = decap_parse(ctx, decap);
	if (reason == REASON_FORWARDED) {
		decap->ifindex = decap_cache_lookup(outer, &decap->inner, generation);
		if (decap->ifindex && decap->inner.hop_limit > 1) {
			decap->port = lookup_port(decap->ifindex, generation);
			if (decap->port) {
				source = check_outer_source(outer, generation, arrival_path);
				return source == REASON_FORWARDED ? check_inner_source(decap->port, decap->ifindex, &decap->inner) : source;
			}
		}
	}
	sid = bpf_map_lookup_elem(&sg_sids, &outer->daddr);
	if (!sid)
		return outer->nexthdr == NEXT_HEADER_NONE ? take_notice(outer, arrival_path) : REASON_COUNT;
	source = check_outer_source(outer, generation, arrival_path);
	if (source != REASON_FORWARDED)
		return source;
	if ((decap->outer.protocol == IPPROTO_IPIP && sid->behaviour == END_DT6) ||
	    (decap->outer.protocol == IPPROTO_IPV6 && sid->behaviour == END_DT4))
		return DROP_BEHAVIOUR;
	if (reason == DROP_ROUTING_HEADER)
		return PUNT_IP_OPTIONS;
	if (reason != REASON_FORWARDED)
		return reason;
	if (is_martian_source(&decap->inner))
		return DROP_INNER_SOURCE;
	endpoint = lookup_endpoint(sid->tenant, &decap->inner);
	decap->port = NULL;
	if (endpoint && endpoint->type == EP_LOCAL) {
		decap->ifindex = endpoint->id;
		decap->port = lookup_port(decap->ifindex, generation);
	}
	if (decap->port) {
		source = check_inner_source(decap->port, decap->ifindex, &decap->inner);
		if (source != REASON_FORWARDED)
			return source;
	}
	if (decap->inner.hop_limit <= 1)
		return PUNT_HOP_LIMIT;
	if (!decap->port)
		return endpoint && endpoint->type != EP_LOCAL ? PUNT_NOT_LOCAL : PUNT_NO_MEMBER;
	decap_cache_insert(outer, &decap->inner, generation, decap->ifindex);
	return REASON_FORWARDED;
}

/* Updates the inner packet: copies a congestion mark, decrements the hop limit, writes the port's Ethernet header. */
static __always_inline enum reason decap_finish(struct decap_ctx *decap, void *data, void *data_end)
{
	struct ethhdr *eth = data;
	enum reason reason;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return DROP_MALFORMED;
	if (decap->inner.family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(eth + 1);

		reason = ecn_decapsulate(ip, &decap->inner, decap->outer.class);
		ipv4_dec_ttl(ip);
		eth->h_proto = bpf_htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return DROP_MALFORMED;
		reason = ecn_decapsulate(ip6, &decap->inner, decap->outer.class);
		ip6->hop_limit--;
		eth->h_proto = bpf_htons(ETH_P_IPV6);
	}
	write_macs(eth, decap->port->vm_mac);
	return reason;
}
