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
static __always_inline int verdict(struct xdp_md *ctx, enum reason reason)
{
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	seen(ctx, reason, 0, HOOK_PORT_XDP);
	return XDP_DROP;
}

/* length: of the frame behind its Ethernet header. */
static __always_inline enum reason push_outer(struct xdp_md *ctx, const struct inner *inner, __u32 length, const struct way *way,
					      const struct node *node)
{
	const struct encap *encap = way->srh;
	const struct port *port = way->port;
	const struct hop *hop = way->hop;
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;
	struct ethhdr *eth;

	/* Of the frame, not of the packet: what follows it (padding) is carried too. */
	if (length > port->mtu || length + bytes > hop->mtu)
		return PUNT_TOO_BIG;
	if (!rewrite((void *)(long)ctx->data, (void *)(long)ctx->data_end, inner, hop->dest_mac))
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
	write_outer(outer, way, node, inner);
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

static __always_inline int port(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, zero = 0, length = 0, id;
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u64 epoch = epoch_now();
	const struct port *port = find_port(ifindex, epoch);
	struct node *node = bpf_map_lookup_elem(&nodes, &zero);
	struct target *target;
	struct inner inner;
	enum reason reason;
	struct way way;

	/* A tag may be beside the frame, where XDP does not see it. */
	if (!port || !node || port->flags & PORT_VLANS)
		return XDP_PASS;
	reason = read_frame(data, data_end, port, &inner);
	if (reason == REASON_FORWARDED) {
		length = xdp_length(ctx, inner.length);
		if (inner.length > length)
			reason = DROP_MALFORMED;
	}
	if (reason == REASON_FORWARDED)
		reason = guard(ifindex, port, &inner, epoch, &id);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	/* Its MSS is clamped at tcx. */
	if (is_syn(&inner))
		return XDP_PASS;
	if (!id) {
		target = find_target(port->tenant, &inner);
		if (!target)
			return verdict(ctx, PUNT_NO_MEMBER);
		id = target->id;
		if (target->kind == TARGET_LOCAL) {
			const struct port *to = bpf_map_lookup_elem(&ports, &id);

			if (!to)
				return verdict(ctx, PUNT_NO_MEMBER);
			/* The kernel takes it from here, through tcx. */
			if (!(to->flags & PORT_FRAMES))
				return XDP_PASS;
			if (length > to->mtu)
				return verdict(ctx, PUNT_TOO_BIG);
			keep(ctx);
			if (!rewrite(data, data_end, &inner, to->vm_mac))
				return verdict(ctx, PUNT_NO_ROOM);
			count_tx(port->slot, 1, inner.length);
			count_rx(to->slot, 1, inner.length);
			count_reason(REASON_FORWARDED);
			seen(ctx, REASON_FORWARDED, id, HOOK_PORT_XDP);
			return bpf_redirect(id, 0);
		}
		/* It is remembered of the flow, not of its addresses. */
		if (target->kind == TARGET_STEERED) {
			id = steered_encap(ctx, &inner, ifindex, port->tenant, id,
					   epoch);
			if (!id)
				return verdict(ctx, DROP_NO_NETWORK_NODE);
		} else if (!id) {
			return verdict(ctx, PUNT_NO_MEMBER);
		} else {
			remember_egress(&inner, ifindex, epoch, id);
		}
	}
	reason = find_way(&way, id, &inner, port, epoch);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	/* tcx can redirect to where it would arrive. */
	if (way.hop->flags & HOP_SELF || !(way.hop->flags & HOP_FRAMES))
		return XDP_PASS;
	keep(ctx);
	reason = push_outer(ctx, &inner, length, &way, node);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	count_reason(REASON_FORWARDED);
	seen(ctx, REASON_FORWARDED, way.hop->ifindex, HOOK_PORT_XDP);
	return bpf_redirect(way.hop->ifindex, 0);
}

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	return port(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
