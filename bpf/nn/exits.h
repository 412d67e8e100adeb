/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The ways out of a network node: to another node, to a VM of this node. Super-packets are not segmented. */
#pragma once
#include "ctx/ctx.h"
#include "metrics.h"
#include "net/mtu.h"
#include "net/parse_flow.h"
#include "nn/process.h"
#include "trace/trace.h"

/* The way out of a packet. */
struct nn_exit {
	const struct encap *encap; /* to another node; NULL: the packet leaves without an outer header */
	__u32 type; /* enum endpoint_type of the destination; 0: relayed */
	__u32 ifindex; /* of egress */
};

/* No reason: XDP leaves the packet to tcx, uncounted. */
#define NN_LEAVE REASON_COUNT

/* Parses the packet behind an outer header. Returns REASON_FORWARDED, or why the packet is not forwarded. */
static __always_inline enum reason nn_parse_inner(struct CTX *ctx, struct nn_buf *scratch, const struct reencap_ctx *arrived)
{
	struct packet *packet = &scratch->packet;
	enum reason reason;

	scratch->at = ETH_HLEN + arrived->outer.bytes;
	reason = parse_packet(ctx, packet, scratch->at, arrived->outer.protocol);
	if (reason != REASON_FORWARDED)
		return reason;
	return is_within_outer(arrived, &packet->inner, frame_bytes(ctx)) ? REASON_FORWARDED : DROP_MALFORMED;
}

/* Bytes of the frame from the inner packet on, padding included. */
static __always_inline __u32 nn_packet_bytes(struct CTX *ctx, const struct nn_buf *scratch)
{
	return frame_bytes(ctx) - scratch->at;
}

/* Encapsulates a packet towards another node. */
static __always_inline int nn_forward_to_node(struct CTX *ctx, struct nn_buf *scratch, const struct reencap_ctx *arrived, const struct node *node,
					      __u32 hash, struct nn_exit *exit)
{
	const struct nexthop *hop = encap_nexthop_of(exit->encap, hash);
	const struct nn_verdict *verdict = &scratch->verdict;
	__u32 bytes = encap_bytes(exit->encap), mtu;

	/* At XDP the packet goes on to tcx, which can send by interfaces that accept no frames from XDP. */
	if (!hop || !ctx_may_transmit(hop->flags & NH_XDP_XMIT))
		return PUNT_UNRESOLVED;
	mtu = hop->mtu - bytes;
	if (!verdict->relay_count && verdict->peer_mtu && verdict->peer_mtu < mtu)
		mtu = verdict->peer_mtu;
	scratch->mtu = mtu;
	if (exceeds_mtu(ctx, &scratch->packet.inner, nn_packet_bytes(ctx, scratch), mtu))
		return PUNT_TOO_BIG;
	/* The outer payload length has 16 bits. */
	if (scratch->packet.inner.length + bytes - sizeof(struct ipv6hdr) > 0xffff)
		return PUNT_NO_OFFLOAD;
	if (!ctx_resize_outer(ctx, arrived->outer.bytes, bytes))
		return frame_segment_bytes(ctx) ? PUNT_NO_OFFLOAD : PUNT_NO_ROOM;
	exit->ifindex = hop->ifindex;
	return write_reencap((void *)(long)ctx->data, (void *)(long)ctx->data_end, &scratch->packet, arrived, exit->encap, hop, node, hash,
			     verdict->relay_count);
}

/* Removes the outer header, if there is one, and decrements the hop limit. macs: destination and source; NULL: the kernel writes them */
static __always_inline int nn_decapsulate(struct CTX *ctx, const struct packet *packet, const struct reencap_ctx *arrived, const __u8 *macs)
{
	bool is_ipv4 = packet->inner.family == FAMILY_INET;
	struct ethhdr *eth;

	if (arrived->outer.bytes && !ctx_pull_outer(ctx, arrived->outer.bytes, is_ipv4))
		return PUNT_NO_ROOM;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_MALFORMED;
	if (macs)
		write_macs(eth, macs);
	eth->h_proto = is_ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return forward_inner(eth + 1, (void *)(long)ctx->data_end, &packet->inner, arrived->outer.class, true);
}

/* Decapsulates a packet for a VM of this node. */
static __always_inline int nn_forward_to_port(struct CTX *ctx, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 ifindex)
{
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	int reason;

	if (!port)
		return PUNT_NO_MEMBER;
	if (!ctx_may_transmit(port->flags & PORT_XDP_XMIT))
		return NN_LEAVE;
	scratch->mtu = port->mtu;
	if (exceeds_mtu(ctx, &scratch->packet.inner, nn_packet_bytes(ctx, scratch), port->mtu))
		return PUNT_TOO_BIG;
	reason = nn_decapsulate(ctx, &scratch->packet, arrived, port->vm_mac);
	if (reason == REASON_FORWARDED)
		count_rx(port->slot, frame_packets(ctx), scratch->packet.inner.length);
	return reason;
}
