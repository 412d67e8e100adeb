// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a network node's uplink: takes packets of tenants to gateway SIDs, decides, and sends on what may go, its outer header written
 * anew. What is for no gateway SID goes to the hypervisor's program, if there is one. */
#include <linux/bpf.h>
#define KNOWS_ZONES
#include "ctx/xdp.h"
#include "abi/btf_export.h"
#include "fib/nn_flow_cache.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "net/read_inner.h"
#include "nn/external.h"
#include "nn/process.h"
#include "trace/trace.h"

KEEP_ENUM(policy_table);
KEEP_ENUM(policy_flags);
KEEP_ENUM(zone_flags);
KEEP_ENUM(flow_kind);
KEEP_ENUM(flow_seconds);
KEEP_ENUM(connection_state);
KEEP_ENUM(connection_flags);
KEEP_ENUM(ct_class);
KEEP_ENUM(ct_direction_flags);
KEEP_ENUM(connection_seconds);
KEEP_STRUCT(policy_event);
/* Of the hypervisors' programs: every codec of steering comes from this object. */
KEEP_STRUCT(flow_node_key);
KEEP_STRUCT(flow_node);

/* What XDP hands on meets tcx next, which counts it. */
static __always_inline int verdict(struct xdp_md *ctx, enum reason reason)
{
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_reason(reason);
	seen(ctx, reason, 0, HOOK_STEER_XDP);
	return XDP_DROP;
}

static __always_inline int to_uplink(struct xdp_md *ctx, const struct packet *packet, const struct passage *passage, const struct outer *outer,
				     const struct encap *encap, const struct node *node, __u32 hash, __u32 *ifindex)
{
	const struct hop *hop = find_hop(encap, hash);
	__u32 bytes = encap_bytes(encap), length;

	/* tcx can send it by what takes no frames of XDP. */
	if (!hop || !(hop->flags & HOP_FRAMES))
		return PUNT_UNRESOLVED;
	length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN - outer->bytes;
	if (length + bytes > hop->mtu || (!passage->relays && passage->peer_mtu && length > passage->peer_mtu))
		return PUNT_TOO_BIG;
	if (outer->bytes != bytes && bpf_xdp_adjust_head(ctx, (int)outer->bytes - (int)bytes))
		return PUNT_NO_ROOM;
	*ifindex = hop->ifindex;
	return write_steered((void *)(long)ctx->data, (void *)(long)ctx->data_end, packet, outer, encap, hop, node, hash,
			     passage->relays);
}

/* Decapsulates for a VM of this node. */
static __always_inline int to_port(struct xdp_md *ctx, const struct packet *packet, const struct outer *outer, const struct port *port)
{
	struct ethhdr *eth;

	if (bpf_xdp_get_buff_len(ctx) - ETH_HLEN - outer->bytes > port->mtu)
		return PUNT_TOO_BIG;
	if (bpf_xdp_adjust_head(ctx, outer->bytes))
		return PUNT_NO_ROOM;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_MALFORMED;
	__builtin_memcpy(eth->h_dest, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->gateway_mac, ETH_ALEN);
	eth->h_proto = packet->inner.family == FAMILY_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return step_inner(eth + 1, (void *)(long)ctx->data_end, &packet->inner, outer->class, true);
}

/* Decapsulates for the network beyond an interface. What it does not know the next hop of, tcx sends on, which has the kernel resolve it. */
static __noinline int to_external(struct xdp_md *ctx, const struct packet *packet, const struct outer *outer, __u32 ifindex)
{
	__u8 dest_mac[ETH_ALEN], source_mac[ETH_ALEN];
	struct ethhdr *eth;
	int reason;

	reason = find_external_hop(ctx, &packet->inner, ctx->ingress_ifindex, ifindex, dest_mac, source_mac);
	if (reason != REASON_FORWARDED)
		return reason;
	if (bpf_xdp_adjust_head(ctx, outer->bytes))
		return PUNT_NO_ROOM;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_MALFORMED;
	__builtin_memcpy(eth->h_dest, dest_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, source_mac, ETH_ALEN);
	eth->h_proto = packet->inner.family == FAMILY_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return step_inner(eth + 1, (void *)(long)ctx->data_end, &packet->inner, outer->class, true);
}

/*
 * A packet of a flow that this CPU remembers: the outer header is written anew in its place. What is not as plain as most packets are takes
 * the long way, REASON_COUNT: nothing is altered or counted yet. A function that the verifier walks through by itself, once.
 */
__noinline int go_on(struct xdp_md *ctx, __u64 epoch, __u64 policies, const struct node *node, __u32 *ifindex)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct passed_flow *flow;
	struct arrival arrival;
	struct inner *inner = &arrival.inner;
	struct way way = {};
	__u32 length;
	__u8 class;

	if (!node || !ifindex)
		return REASON_COUNT;
	IN_MEMORY(arrival);
	if ((void *)(outer + 1) > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	if (read_headers(&arrival, outer, data_end) != REASON_FORWARDED)
		return REASON_COUNT;
	/* Congestion is to be carried in, or an SRH to be taken off. */
	if (inner->hop_limit <= 1 || (arrival.outer_class & 3) == 3 || arrival.outer_bytes != sizeof(*outer))
		return REASON_COUNT;
	flow = recall_passed(&outer->daddr, inner, epoch, policies);
	if (!flow)
		return REASON_COUNT;
	length = xdp_length(ctx, arrival.length) - sizeof(*outer);
	if (inner->length > length || length > flow->mtu)
		return REASON_COUNT;
	if (inner->protocol == IPPROTO_TCP) {
		__u8 *tcp = (__u8 *)(outer + 1) + (inner->family == FAMILY_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

		if ((void *)(tcp + 20) > data_end || !ct_tcp_fast(flow, inner, tcp))
			return REASON_COUNT;
	}
	keep(ctx);
	if (inner->family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(outer + 1);

		if ((void *)(ip + 1) > data_end)
			return REASON_COUNT;
		step_inet(ip);
	} else {
		struct ipv6hdr *ip6 = outer + 1;

		if ((void *)(ip6 + 1) > data_end)
			return REASON_COUNT;
		ip6->hop_limit--;
	}
	write_macs(data, flow->dest_mac);
	/* The code point stays that of the header that arrived, congestion is the inner packet's (RFC 6040 section 4). */
	class = (arrival.outer_class & 0xfc) | (inner->traffic_class & 3);
	way.first = &flow->first;
	inner->hash = flow->hash;
	write_outer_class(outer, &way, node, inner, class);
	count_policy(flow->policy, 0, 1, inner->length);
	count_zones(flow->from_slot, flow->peer_slot, 1, inner->length);
	*ifindex = flow->ifindex;
	return REASON_FORWARDED;
}

static __always_inline void remember(const struct packet *packet, const struct passage *passage, const struct outer *outer,
				     const struct encap *encap, __u64 epoch, __u64 policies, __u32 hash)
{
	const struct hop *hop = find_hop(encap, hash);

	if (hop)
		remember_passed(&outer->sid, &packet->inner, passage, epoch, policies, hash, encap, hop);
}

static __always_inline int steer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct steering *state;
	struct passage *passage;
	struct packet *packet;
	struct steer_scratch *scratch;
	struct target *target;
	struct encap *encap;
	struct outer outer;
	struct node *node;
	__u32 zero = 0, ifindex = 0, hash, id = 0;
	__u64 epoch = epoch_now(), policies;
	enum reason source;
	int reason;

	state = bpf_map_lookup_elem(&steering, &zero);
	node = bpf_map_lookup_elem(&nodes, &zero);
	scratch = bpf_map_lookup_elem(&steer_scratches, &zero);
	if (!scratch || !state || !node)
		return XDP_PASS;
	if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6) ||
	    !is_for_uplink(data, node, ctx->ingress_ifindex))
		return XDP_PASS;
	policies = *(volatile __u64 *)&state->epoch;
	/* Of every packet: a flow that is remembered may come by several nodes. */
	source = check_outer_source(data + ETH_HLEN, epoch, ENTERED_XDP);
	reason = source == REASON_FORWARDED ? go_on(ctx, epoch, policies, node, &ifindex) : REASON_COUNT;
	if (reason == REASON_FORWARDED) {
		count_reason(reason);
		seen(ctx, reason, ifindex, HOOK_STEER_XDP);
		return bpf_redirect(ifindex, 0);
	}
	packet = &scratch->packet;
	passage = &scratch->passage;
	reason = read_outer(&outer, &passage->from, data, data_end, source);
	if (reason == REASON_COUNT)
		goto not_ours;
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	reason = read_inner(ctx, packet, ETH_HLEN + outer.bytes, outer.protocol);
	if (is_own_member(passage->from.id, &packet->inner))
		goto not_ours;
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	if (packet->inner.length > bpf_xdp_get_buff_len(ctx) - ETH_HLEN - outer.bytes)
		return verdict(ctx, DROP_MALFORMED);
	if (packet->inner.hop_limit <= 1)
		return verdict(ctx, PUNT_HOP_LIMIT);
	hash = flow_hash(&packet->key);
	if (packet->key.protocol == IPPROTO_TCP && packet->kind == PACKET_WHOLE)
		write_back_passed(&outer.sid, &packet->inner);
	reason = settle(packet, passage, state, &outer, data, data_end, hash, 1, &encap);
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	keep(ctx);
	target = NULL;
	if (!encap) {
		target = steer_target(passage->peer, &packet->inner);
		if (!target)
			return verdict(ctx, PUNT_NO_MEMBER);
		id = target->id;
		if (target->kind == TARGET_REMOTE)
			encap = bpf_map_lookup_elem(&encaps, &id);
	}
	if (encap) {
		reason = to_uplink(ctx, packet, passage, &outer, encap, node, hash, &ifindex);
	} else if (target && target->kind == TARGET_LOCAL) {
		struct port *port = bpf_map_lookup_elem(&ports, &id);

		if (!port)
			return verdict(ctx, PUNT_NO_MEMBER);
		/* tcx takes it. */
		if (!(port->flags & PORT_FRAMES))
			return XDP_PASS;
		ifindex = id;
		reason = to_port(ctx, packet, &outer, port);
		if (reason == REASON_FORWARDED)
			count_rx(port->slot, 1, packet->inner.length);
	} else if (target && target->kind == TARGET_EXTERNAL) {
		/* tcx takes it. */
		if (!(id & EXTERNAL_FRAMES))
			return XDP_PASS;
		ifindex = id & ~EXTERNAL_FRAMES;
		reason = to_external(ctx, packet, &outer, ifindex);
	} else {
		reason = PUNT_NO_MEMBER;
	}
	if (reason != REASON_FORWARDED)
		return verdict(ctx, reason);
	if (target && target->kind == TARGET_LOCAL)
		follow_self(packet, passage->peer, state->self);
	if (!passage->relays)
		account(packet, passage, reason, 1);
	if (encap && !encap->srh_bytes && !passage->relays && packet->kind == PACKET_WHOLE)
		remember(packet, passage, &outer, encap, epoch, policies, hash);
	count_reason(reason);
	seen(ctx, reason, ifindex, HOOK_STEER_XDP);
	return bpf_redirect(ifindex, 0);
not_ours:
	bpf_tail_call(ctx, &uplink_programs, 0);
	return XDP_PASS;
}

SEC("xdp.frags")
int segue_steer_xdp(struct xdp_md *ctx)
{
	return steer(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
