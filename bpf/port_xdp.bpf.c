// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a tenant's interface, where it pays (small frames from a tap): the same as port.bpf.c, a frame at a time. */
#include <linux/bpf.h>
#include "encap.h"
#include "events_xdp.h"
#include "guard.h"
#include "stats.h"
#include "steered.h"

/* What is not dropped here meets tcx next, which answers it or counts why it does not take the fast path. */
static __always_inline int verdict(struct xdp_md *ctx, enum reason reason)
{
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	seen(ctx, reason, 0, HOOK_PORT_XDP);
	return XDP_DROP;
}

static __always_inline enum reason push_outer(struct xdp_md *ctx, const struct inner *inner, const struct encap *encap,
					      const struct hop *hop, const struct port *port, const struct node *node)
{
	__u32 bytes = encap_bytes(encap), length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;
	struct ipv6hdr *outer;
	void *data, *data_end;
	struct ethhdr *eth;

	/* Of the frame, not of the packet: what follows it (padding) is carried too. */
	if (length > port->mtu || length + bytes > hop->mtu)
		return PUNT_TOO_BIG;
	if (!rewrite((void *)(long)ctx->data, (void *)(long)ctx->data_end, inner, hop->dest_mac, hop->source_mac))
		return PUNT_NO_ROOM;
	if (bpf_xdp_adjust_head(ctx, -(int)bytes))
		return DROP_NO_ROOM;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	eth = data;
	outer = data + ETH_HLEN;
	if ((void *)(outer + 1) > data_end)
		return DROP_NO_ROOM;
	__builtin_memcpy(eth->h_dest, hop->dest_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, hop->source_mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer(outer, encap, node, inner, outer_class(port, inner));
	if (encap->srh_bytes) {
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

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, zero = 0, id;
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct node *node = bpf_map_lookup_elem(&nodes, &zero);
	const struct hop *hop;
	struct target *target;
	struct encap *encap;
	struct inner inner;
	enum reason reason;

	if (!port || !node)
		return XDP_PASS;
	reason = guard(data, data_end, bpf_xdp_get_buff_len(ctx), ifindex, port, node, &inner);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	target = find_target(port->tenant, &inner);
	if (!target)
		return verdict(ctx, PUNT_NO_MEMBER);
	/* Its MSS is clamped at tcx. */
	if (is_syn(&inner))
		return XDP_PASS;
	id = target->id;
	if (target->kind == TARGET_LOCAL) {
		const struct port *to = bpf_map_lookup_elem(&ports, &id);

		if (!to)
			return verdict(ctx, PUNT_NO_MEMBER);
		/* The kernel takes it from here, through tcx. */
		if (!(to->flags & PORT_FRAMES))
			return XDP_PASS;
		if (bpf_xdp_get_buff_len(ctx) - ETH_HLEN > to->mtu)
			return verdict(ctx, PUNT_TOO_BIG);
		keep(ctx);
		if (!rewrite(data, data_end, &inner, to->vm_mac, to->own_mac))
			return verdict(ctx, PUNT_NO_ROOM);
		count_tx(port->slot, 1, inner.length);
		count_rx(to->slot, 1, inner.length);
		count_reason(REASON_FORWARDED);
		seen(ctx, REASON_FORWARDED, id, HOOK_PORT_XDP);
		return bpf_redirect(id, 0);
	}
	if (target->kind == TARGET_STEERED) {
		id = steered_encap((void *)(long)ctx->data, (void *)(long)ctx->data_end, &inner, port->tenant, id);
		if (!id)
			return verdict(ctx, DROP_NO_NETWORK_NODE);
	}
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return verdict(ctx, PUNT_NO_MEMBER);
	hop = choose_hop(encap, &inner);
	if (!hop)
		return verdict(ctx, PUNT_UNRESOLVED);
	keep(ctx);
	reason = push_outer(ctx, &inner, encap, hop, port, node);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	count_reason(REASON_FORWARDED);
	seen(ctx, REASON_FORWARDED, hop->ifindex, HOOK_PORT_XDP);
	return bpf_redirect(hop->ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
