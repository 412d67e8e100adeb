/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What arrives for a SID of ours: End.DT4, End.DT6, End.DT46 (RFC 8986 sections 4.6 to 4.8). */
#pragma once
#include "fib/decap_cache.h"
#include "fib/endpoint.h"
#include "fib/port_cache.h"
#include "net/ecn.h"
#include "net/ttl.h"
#include "srv6/inner_source.h"
#include "srv6/outer_source.h"

#define ROUTING_TYPE_SRH 4

/* In the metadata of a frame that XDP decapsulated and passes on. Its Ethernet destination is the VM's: without uplink_tc the kernel drops
 * it as another machine's. GRO merges only what has the same. */
struct stripped {
	__u32 magic;
	__u32 ifindex; /* of the port */
};
#define STRIPPED 0x5e90e500

/* An arrived packet that a port of ours is the end of. */
struct arrival {
	struct inner inner;
	__u32 ifindex;	     /* of the port */
	__u32 outer_bytes; /* between the Ethernet header and the inner packet */
	__u32 length;	     /* of the outer packet as its header says, bytes */
	__u8 outer_class;
	__u8 protocol; /* of the inner packet, in the header before it */
	const struct port *port;
};

/* Reads the headers from the outer one on, up to the inner packet's. */
static __always_inline enum reason read_headers(struct arrival *arrival, struct ipv6hdr *outer, void *data_end)
{
	void *inner = outer + 1;
	enum reason reason;

	arrival->protocol = 0;
	if (outer->version != 6)
		return DROP_MALFORMED;
	arrival->length = sizeof(*outer) + bpf_ntohs(outer->payload_len);
	arrival->outer_class = (outer->priority << 4) | (outer->flow_lbl[0] >> 4);
	arrival->outer_bytes = sizeof(*outer);
	arrival->protocol = outer->nexthdr;
	if (arrival->protocol == IPPROTO_ROUTING) {
		__u8 *srh = inner;
		__u32 bytes;

		if ((void *)(srh + 8) > data_end)
			return DROP_MALFORMED;
		/* RFC 8986 section 4.6: with segments left it is an error, which the kernel answers. */
		if (srh[2] != ROUTING_TYPE_SRH || srh[3])
			return PUNT_SEGMENTS;
		bytes = (srh[1] + 1) * 8;
		if (bytes > MAX_SRH_BYTES + 16)
			return PUNT_SEGMENTS;
		arrival->protocol = srh[0];
		arrival->outer_bytes += bytes;
		inner += bytes;
	}
	if (arrival->protocol == IPPROTO_IPIP)
		reason = read_inet(&arrival->inner, inner, data_end);
	else if (arrival->protocol == IPPROTO_IPV6)
		reason = read_inet6(&arrival->inner, inner, data_end);
	else
		return PUNT_SEGMENTS;
	if (reason == REASON_FORWARDED && arrival->outer_bytes + arrival->inner.length > arrival->length)
		return DROP_MALFORMED;
	return reason;
}

/* Reads an arrived packet and finds the port. REASON_COUNT: it is none of ours, not even counted. */
static __always_inline enum reason read_arrival(struct arrival *arrival, void *data, void *data_end, enum entrance entrance)
{
	struct ipv6hdr *outer = data + ETH_HLEN;
	__u64 epoch = epoch_now();
	struct ethhdr *eth = data;
	struct target *target;
	enum reason reason, source;
	struct sid *sid;

	if ((void *)(outer + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	reason = read_headers(arrival, outer, data_end);
	if (reason == REASON_FORWARDED) {
		arrival->ifindex = recall_ingress(outer, &arrival->inner, epoch);
		if (arrival->ifindex && arrival->inner.hop_limit > 1) {
			arrival->port = find_port(arrival->ifindex, epoch);
			if (arrival->port) {
				source = check_outer_source(outer, epoch, entrance);
				return source == REASON_FORWARDED ?
					       check_inner_source(arrival->port, arrival->ifindex, &arrival->inner) :
					       source;
			}
		}
	}
	sid = bpf_map_lookup_elem(&sids, &outer->daddr);
	if (!sid)
		return REASON_COUNT;
	source = check_outer_source(outer, epoch, entrance);
	if (source != REASON_FORWARDED)
		return source;
	if ((arrival->protocol == IPPROTO_IPIP && sid->behaviour == END_DT6) ||
	    (arrival->protocol == IPPROTO_IPV6 && sid->behaviour == END_DT4))
		return DROP_BEHAVIOUR;
	if (reason == DROP_ROUTING_HEADER)
		return PUNT_IP_OPTIONS;
	if (reason != REASON_FORWARDED)
		return reason;
	if (is_martian_source(&arrival->inner))
		return DROP_INNER_SOURCE;
	target = find_target(sid->tenant, &arrival->inner);
	arrival->port = NULL;
	if (target && target->kind == TARGET_LOCAL) {
		arrival->ifindex = target->id;
		arrival->port = find_port(arrival->ifindex, epoch);
	}
	if (arrival->port) {
		source = check_inner_source(arrival->port, arrival->ifindex, &arrival->inner);
		if (source != REASON_FORWARDED)
			return source;
	}
	if (arrival->inner.hop_limit <= 1)
		return PUNT_HOP_LIMIT;
	if (!arrival->port)
		return target && target->kind != TARGET_LOCAL ? PUNT_NOT_LOCAL : PUNT_NO_MEMBER;
	remember_ingress(outer, &arrival->inner, epoch, arrival->ifindex);
	return REASON_FORWARDED;
}

/* The inner packet as it leaves: congestion carried in, one hop less, Ethernet header of the port. */
static __always_inline enum reason finish_arrival(struct arrival *arrival, void *data, void *data_end)
{
	struct ethhdr *eth = data;
	enum reason reason;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return DROP_MALFORMED;
	if (arrival->inner.family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(eth + 1);

		reason = carry_congestion(ip, &arrival->inner, arrival->outer_class);
		step_inet(ip);
		eth->h_proto = bpf_htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return DROP_MALFORMED;
		reason = carry_congestion(ip6, &arrival->inner, arrival->outer_class);
		ip6->hop_limit--;
		eth->h_proto = bpf_htons(ETH_P_IPV6);
	}
	write_macs(eth, arrival->port->vm_mac);
	return reason;
}
