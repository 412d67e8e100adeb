// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a tenant's interface, where it pays (small frames from a tap): the same as port.bpf.c, a frame at a time. */
#include <linux/bpf.h>
#include "encap.h"
#include "frames.h"
#include "guard.h"
#include "recall.h"
#include "stats.h"
#include "way.h"

static __always_inline int verdict(enum reason reason)
{
	/* What goes on meets tcx, which counts it. */
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	return XDP_DROP;
}

static __always_inline enum reason push_outer(struct xdp_md *ctx, const struct inner *inner, const struct way *way,
					      const struct node *node)
{
	const struct encap *encap = way->srh;
	const struct hop *hop = way->hop;
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;
	struct ethhdr *eth;

	if (inner->length > way->port->mtu || inner->length + bytes > hop->mtu)
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
	count_tx(way->port->slot, 1, inner->length);
	return REASON_FORWARDED;
}

static __always_inline int port(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, zero = 0, id;
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u64 epoch = epoch_now();
	const struct port *port = find_port(ifindex, epoch);
	struct node *node = bpf_map_lookup_elem(&nodes, &zero);
	struct target *target;
	struct inner inner;
	enum reason reason;
	struct way way;

	if (!port || !node)
		return XDP_PASS;
	reason = read_frame(data, data_end, port, &inner);
	if (reason == REASON_FORWARDED && !is_whole(ctx, ETH_HLEN + inner.length))
		reason = DROP_MALFORMED;
	if (reason == REASON_FORWARDED)
		reason = guard(ifindex, node, &inner, epoch, &id);
	if (reason != REASON_FORWARDED)
		return verdict(reason);
	if (!id) {
		target = find_target(port->tenant, &inner);
		if (!target)
			return verdict(PUNT_NO_MEMBER);
		id = target->id;
		if (target->kind == TARGET_LOCAL) {
			const struct port *to = bpf_map_lookup_elem(&ports, &id);

			if (!to)
				return verdict(PUNT_NO_MEMBER);
			/* The kernel takes it from here, through tcx. */
			if (!(to->flags & PORT_FRAMES))
				return XDP_PASS;
			if (inner.length > to->mtu)
				return verdict(PUNT_TOO_BIG);
			if (!rewrite(data, data_end, &inner, to->vm_mac))
				return verdict(PUNT_NO_ROOM);
			count_tx(port->slot, 1, inner.length);
			count_rx(to->slot, 1, inner.length);
			count_reason(REASON_FORWARDED);
			return bpf_redirect(id, 0);
		}
		remember_egress(&inner, ifindex, epoch, id);
	}
	if (is_syn(&inner))
		return verdict(PUNT_TCP_SYN);
	reason = find_way(&way, id, &inner, port, epoch);
	if (reason != REASON_FORWARDED)
		return verdict(reason);
	reason = push_outer(ctx, &inner, &way, node);
	if (reason != REASON_FORWARDED)
		return verdict(reason);
	count_reason(REASON_FORWARDED);
	return bpf_redirect(way.hop->ifindex, 0);
}

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	return port(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
