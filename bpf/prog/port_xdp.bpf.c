// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a tenant's interface, where it pays (small frames from a tap): the same as port_tc.bpf.c, a frame at a time. */
#include <linux/bpf.h>
#include "ctx/xdp.h"
#include "fib/endpoint.h"
#include "fib/flow_cache.h"
#include "fib/nexthop.h"
#include "fib/port_cache.h"
#include "gateway/select.h"
#include "metrics.h"
#include "net/ttl.h"
#include "port/antispoof.h"
#include "srv6/encap.h"
#include "trace/trace.h"

/* What is not dropped here meets tcx next, which answers it or counts why it does not take the fast path. */
static __always_inline int finish_packet(struct xdp_md *ctx, enum reason reason)
{
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_verdict(reason);
	trace_verdict(ctx, reason, 0, HOOK_PORT_XDP);
	return XDP_DROP;
}

/* length: of the frame behind its Ethernet header. */
static __always_inline enum reason push_outer(struct xdp_md *ctx, const struct inner *inner, __u32 length, const struct encap_nexthop *via,
					      const struct node *node)
{
	const struct encap *encap = via->srh;
	const struct port *port = via->port;
	const struct nexthop *hop = via->hop;
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;
	struct ethhdr *eth;

	/* Of the frame, not of the packet: what follows it (padding) is carried too. */
	if (length > port->mtu || length + bytes > hop->mtu)
		return PUNT_TOO_BIG;
	if (!dec_ttl_and_readdress((void *)(long)ctx->data, (void *)(long)ctx->data_end, inner, hop->dest_mac))
		return PUNT_NO_ROOM;
	if (bpf_xdp_adjust_head(ctx, -(int)bytes))
		return DROP_NO_ROOM;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	eth = data;
	outer = data + ETH_HLEN;
	if ((void *)(outer + 1) > data_end)
		return DROP_NO_ROOM;
	write_macs(eth, hop->dest_mac);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer(outer, via, node, inner);
	if (encap && encap->srh_bytes) {
		__u8 *srh = (__u8 *)(outer + 1);
		__u32 at;

		/* Segments, after eight bytes of header: the verifier wants each copy bounded. */
		if ((void *)(srh + 8) > data_end)
			return DROP_NO_ROOM;
		__builtin_memcpy(srh, encap->srh, 8);
		*srh = inner_protocol(inner);
#pragma unroll
		for (at = 8; at < MAX_SRH_BYTES; at += 16) {
			if (at >= encap->srh_bytes)
				break;
			if ((void *)(srh + at + 16) > data_end)
				return DROP_NO_ROOM;
			__builtin_memcpy(srh + at, encap->srh + at, 16);
		}
	}
	count_tx(port->slot, 1, inner->length);
	return REASON_FORWARDED;
}

static __always_inline int port_ingress(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, zero = 0, length = 0, id;
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u64 generation = cache_generation_now();
	const struct port *port = lookup_port(ifindex, generation);
	struct node *node = bpf_map_lookup_elem(&sg_node, &zero);
	struct endpoint *endpoint;
	struct inner inner;
	enum reason reason;
	struct encap_nexthop via;

	/* A tag may be beside the frame, where XDP does not see it. */
	if (!port || !node || port->flags & PORT_VLANS)
		return XDP_PASS;
	reason = parse_port_frame(ctx, port, &inner);
	if (reason == REASON_FORWARDED) {
		length = xdp_length(ctx, inner.length);
		if (inner.length > length)
			reason = DROP_MALFORMED;
	}
	if (reason == REASON_FORWARDED)
		reason = antispoof_check(ifindex, port, &inner, generation, &id);
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	/* Its MSS is clamped at tcx. */
	if (is_syn(&inner))
		return XDP_PASS;
	if (!id) {
		endpoint = lookup_endpoint(port->tenant, &inner);
		if (!endpoint)
			return finish_packet(ctx, PUNT_NO_MEMBER);
		id = endpoint->id;
		if (endpoint->type == EP_LOCAL) {
			const struct port *to = bpf_map_lookup_elem(&sg_ports, &id);

			if (!to)
				return finish_packet(ctx, PUNT_NO_MEMBER);
			/* The kernel takes it from here, through tcx. */
			if (!(to->flags & PORT_XDP_XMIT))
				return XDP_PASS;
			if (length > to->mtu)
				return finish_packet(ctx, PUNT_TOO_BIG);
			trace_capture(ctx);
			if (!dec_ttl_and_readdress(data, data_end, &inner, to->vm_mac))
				return finish_packet(ctx, PUNT_NO_ROOM);
			count_tx(port->slot, 1, inner.length);
			count_rx(to->slot, 1, inner.length);
			count_verdict(REASON_FORWARDED);
			trace_verdict(ctx, REASON_FORWARDED, id, HOOK_PORT_XDP);
			return bpf_redirect(id, 0);
		}
		/* The cache entry is of the flow, not of its addresses. */
		if (endpoint->type == EP_VIA_GATEWAY) {
			id = gateway_encap(ctx, &inner, ifindex, port->tenant, id, generation);
			if (!id)
				return finish_packet(ctx, DROP_NO_NETWORK_NODE);
		} else if (!id) {
			return finish_packet(ctx, PUNT_NO_MEMBER);
		} else {
			egress_cache_insert(&inner, ifindex, generation, id);
		}
	}
	reason = resolve_nexthop(&via, id, &inner, port, generation);
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	/* tcx can redirect to where it would arrive. */
	if (via.hop->flags & NH_LOOPBACK || !(via.hop->flags & NH_XDP_XMIT))
		return XDP_PASS;
	trace_capture(ctx);
	reason = push_outer(ctx, &inner, length, &via, node);
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	count_verdict(REASON_FORWARDED);
	trace_verdict(ctx, REASON_FORWARDED, via.hop->ifindex, HOOK_PORT_XDP);
	return bpf_redirect(via.hop->ifindex, 0);
}

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	return port_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
