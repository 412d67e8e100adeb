/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that a VM sends: anti-spoofing, lookup, H.Encaps.Red, and redirect to an uplink or a port of this node. Shared by tcx and XDP: a program
 * first includes port/tcx.h or port/xdp.h, which define the steps in which they differ (port_accept(), port_open(), port_redirect(),
 * port_transmit(), port_exception()). Packets that are not forwarded end in port_exception().
 */
#pragma once
#include "ctx/ctx.h"
#include "fib/endpoint.h"
#include "fib/flow_cache.h"
#include "fib/nexthop.h"
#include "fib/port_cache.h"
#include "gateway/select.h"
#include "metrics.h"
#include "migrate/migration.h"
#include "net/mtu.h"
#include "net/ttl.h"
#include "port/antispoof.h"
#include "srv6/encap.h"
#include "trace/trace.h"

/* A frame of the VM, as far as it is parsed and looked up. */
struct port_frame {
	struct inner inner;
	const struct port *port;
	__u32 length; /* bytes behind the Ethernet header */
	__u32 encap; /* id */
	__u64 generation;
};

/* Delivers a packet to another port of this node. */
static __always_inline int port_deliver(struct CTX *ctx, const struct port_frame *frame, const struct port *to, __u32 ifindex)
{
	const struct inner *inner = &frame->inner;

	/* At XDP the frame goes on to tcx, which can redirect it. */
	if (!ctx_may_transmit(to->flags & PORT_XDP_XMIT))
		return CTX_NEXT;
	if (exceeds_mtu(ctx, inner, frame->length, to->mtu))
		return port_exception(ctx, PUNT_TOO_BIG);
	trace_capture_to(ctx, EP_LOCAL, ifindex);
	if (!dec_ttl_and_readdress((void *)(long)ctx->data, (void *)(long)ctx->data_end, inner, to->vm_mac))
		return port_exception(ctx, DROP_MALFORMED);
	count_tx(frame->port->slot, frame_packets(ctx), inner->length);
	count_rx(to->slot, frame_packets(ctx), inner->length);
	count_verdict(REASON_FORWARDED);
	trace_verdict(ctx, REASON_FORWARDED, ifindex, PORT_HOOK);
	return port_redirect(ifindex, to->flags);
}

/* Encapsulates a packet and sends it by an uplink. */
static __always_inline int port_encapsulate(struct CTX *ctx, const struct port_frame *frame, const struct node *node)
{
	const struct inner *inner = &frame->inner;
	struct encap_nexthop via;
	enum reason reason;
	__u32 bytes;

	reason = resolve_nexthop(&via, frame->encap, inner, frame->port, frame->generation);
	if (reason != REASON_FORWARDED)
		return port_exception(ctx, reason);
	/* At XDP the frame goes on to tcx, which can also redirect to the ingress of an interface (NH_LOOPBACK). */
	if (!ctx_may_transmit((via.hop->flags & (NH_XDP_XMIT | NH_LOOPBACK)) == NH_XDP_XMIT))
		return CTX_NEXT;
	bytes = encap_bytes(via.srh);
	if (exceeds_mtu(ctx, inner, frame->length, frame->port->mtu) || exceeds_mtu(ctx, inner, frame->length, via.hop->mtu - bytes))
		return port_exception(ctx, PUNT_TOO_BIG);
	/* The outer payload length has 16 bits. */
	if (frame_segment_bytes(ctx) && inner->length > 0xffff - MAX_SRH_BYTES)
		return port_exception(ctx, PUNT_TOO_BIG);
	trace_capture_to(ctx, EP_REMOTE, frame->encap);
	/* At tcx the kernel refuses super-packets of protocols other than TCP and UDP, and those of a tunnel of the VM's own (bpf_skb_net_grow). */
	if (!ctx_push_outer(ctx, bytes))
		return port_exception(ctx, PUNT_NO_ROOM);
	reason = write_encap((void *)(long)ctx->data, (void *)(long)ctx->data_end, &via, node, inner);
	if (reason != REASON_FORWARDED)
		return port_exception(ctx, reason);
	count_tx(frame->port->slot, frame_packets(ctx), inner->length);
	count_verdict(REASON_FORWARDED);
	trace_verdict(ctx, REASON_FORWARDED, via.hop->ifindex, PORT_HOOK);
	return port_transmit(ctx, via.hop);
}

static __always_inline int port_ingress(struct CTX *ctx)
{
	__u32 ifindex = frame_ifindex(ctx), zero = 0, id;
	__u64 generation = cache_generation_now();
	const struct port *port = lookup_port(ifindex, generation);
	struct node *node = bpf_map_lookup_elem(&sg_node, &zero);
	struct port_frame frame;
	struct endpoint *endpoint;
	const struct port *to;
	enum reason reason;
	bool away;

	if (!port || !node)
		return port_exception(ctx, PUNT_NO_PORT);
	reason = port_accept(ctx, port);
	if (reason != REASON_FORWARDED)
		return port_exception(ctx, reason);
	reason = parse_port_frame(ctx, port, &frame.inner);
	if (reason == REASON_FORWARDED) {
		frame.length = frame_packet_bytes(ctx, frame.inner.length);
		reason = frame.inner.length > frame.length ? DROP_MALFORMED : antispoof_check(ifindex, port, &frame.inner, generation, &frame.encap);
	}
	if (reason != REASON_FORWARDED)
		return port_exception(ctx, reason);
	if (is_syn(&frame.inner) && !port_open(ctx, port, &frame.inner))
		return CTX_NEXT;
	frame.port = port;
	frame.generation = generation;
	if (!frame.encap) {
		endpoint = lookup_endpoint(port->tenant, &frame.inner);
		if (!endpoint)
			return port_exception(ctx, PUNT_NO_MEMBER);
		id = endpoint->id;
		if (endpoint->type == EP_LOCAL) {
			to = bpf_map_lookup_elem(&sg_ports, &id);
			if (!to)
				return port_exception(ctx, PUNT_NO_MEMBER);
			frame.encap = away_encap(to, id, frame.inner.family, &away);
			if (!away)
				return port_deliver(ctx, &frame, to, id);
			/* Not cached: the VM may come up here before the next packet. */
			if (!frame.encap)
				return port_exception(ctx, DROP_STANDBY);
		} else {
			/* gateway_encap() caches by flow, as two flows between the same addresses may take different network nodes. */
			if (endpoint->type == EP_VIA_GATEWAY) {
				id = gateway_encap(ctx, &frame.inner, ifindex, port->tenant, id, generation);
				if (!id)
					return port_exception(ctx, DROP_NO_NETWORK_NODE);
			} else if (!id) {
				/* The gateway, or an endpoint for which only the kernel has a route. */
				return port_exception(ctx, PUNT_NO_MEMBER);
			} else {
				egress_cache_insert(&frame.inner, ifindex, generation, id);
			}
			frame.encap = id;
		}
	}
	return port_encapsulate(ctx, &frame, node);
}
