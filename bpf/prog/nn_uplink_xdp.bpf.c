// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a network node's uplink: takes packets of tenants to gateway SIDs, decides, and sends on what may go, its outer header written
 * anew. What is for no gateway SID goes to the hypervisor's program, if there is one. */
#include <linux/bpf.h>
#define TRACE_WITH_ZONES
#include "ctx/xdp.h"
#include "abi/btf_export.h"
#include "fib/nn_flow_cache.h"
#include "gateway/return_path.h"
#include "metrics.h"
#include "net/parse_flow.h"
#include "nn/external.h"
#include "nn/process.h"
#include "trace/trace.h"

BTF_EXPORT_ENUM(policy_table);
BTF_EXPORT_ENUM(policy_flags);
BTF_EXPORT_ENUM(zone_flags);
BTF_EXPORT_ENUM(flow_type);
BTF_EXPORT_ENUM(gw_flow_timeout);
BTF_EXPORT_ENUM(ct_state);
BTF_EXPORT_ENUM(ct_flags);
BTF_EXPORT_ENUM(ct_slot_class);
BTF_EXPORT_ENUM(ct_direction_flags);
BTF_EXPORT_ENUM(ct_timeout);
BTF_EXPORT_STRUCT(policy_log_event);
/* Types of the hypervisors' programs: generated/steering.ts comes from this object. */
BTF_EXPORT_STRUCT(gw_flow_key);
BTF_EXPORT_STRUCT(flow_node);

/* What XDP hands on meets tcx next, which counts it. */
static __always_inline int finish_packet(struct xdp_md *ctx, enum reason reason)
{
	if (reason < DROP_MALFORMED)
		return XDP_PASS;
	count_verdict(reason);
	trace_verdict(ctx, reason, 0, HOOK_NN_UPLINK_XDP);
	return XDP_DROP;
}

static __always_inline int xdp_forward_to_uplink(struct xdp_md *ctx, const struct packet *packet, const struct nn_verdict *verdict,
						 const struct reencap_ctx *arrived, const struct encap *encap, const struct node *node, __u32 hash,
						 __u32 *ifindex)
{
	const struct nexthop *hop = encap_nexthop_of(encap, hash);
	__u32 bytes = encap_bytes(encap), length;

	/* tcx can send it by what takes no frames of XDP. */
	if (!hop || !(hop->flags & NH_XDP_XMIT))
		return PUNT_UNRESOLVED;
	length = bpf_xdp_get_buff_len(ctx) - ETH_HLEN - arrived->outer.bytes;
	if (length + bytes > hop->mtu || (!verdict->relay_count && verdict->peer_mtu && length > verdict->peer_mtu))
		return PUNT_TOO_BIG;
	if (arrived->outer.bytes != bytes && bpf_xdp_adjust_head(ctx, (int)arrived->outer.bytes - (int)bytes))
		return PUNT_NO_ROOM;
	*ifindex = hop->ifindex;
	return write_reencap((void *)(long)ctx->data, (void *)(long)ctx->data_end, packet, arrived, encap, hop, node, hash, verdict->relay_count);
}

/* Decapsulates for a VM of this node. */
static __always_inline int xdp_forward_to_port(struct xdp_md *ctx, const struct packet *packet, const struct reencap_ctx *arrived,
					       const struct port *port)
{
	struct ethhdr *eth;

	if (bpf_xdp_get_buff_len(ctx) - ETH_HLEN - arrived->outer.bytes > port->mtu)
		return PUNT_TOO_BIG;
	if (bpf_xdp_adjust_head(ctx, arrived->outer.bytes))
		return PUNT_NO_ROOM;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_MALFORMED;
	__builtin_memcpy(eth->h_dest, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->gateway_mac, ETH_ALEN);
	eth->h_proto = packet->inner.family == FAMILY_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return forward_inner(eth + 1, (void *)(long)ctx->data_end, &packet->inner, arrived->outer.class, true);
}

/* Decapsulates for the network beyond an interface. What it does not know the next hop of, tcx sends on, which has the kernel resolve it. */
static __noinline int xdp_forward_to_external(struct xdp_md *ctx, const struct packet *packet, const struct reencap_ctx *arrived, __u32 ifindex)
{
	__u8 dest_mac[ETH_ALEN], source_mac[ETH_ALEN];
	struct ethhdr *eth;
	int reason;

	reason = external_nexthop_lookup(ctx, &packet->inner, ctx->ingress_ifindex, ifindex, dest_mac, source_mac);
	if (reason != REASON_FORWARDED)
		return reason;
	if (bpf_xdp_adjust_head(ctx, arrived->outer.bytes))
		return PUNT_NO_ROOM;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_MALFORMED;
	__builtin_memcpy(eth->h_dest, dest_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, source_mac, ETH_ALEN);
	eth->h_proto = packet->inner.family == FAMILY_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return forward_inner(eth + 1, (void *)(long)ctx->data_end, &packet->inner, arrived->outer.class, true);
}

/*
 * Forwards a packet of a flow in this CPU's cache: overwrites the outer header. Returns REASON_COUNT for whatever needs the slow path: nothing
 * is altered or counted then. A function that the verifier walks through by itself, once.
 */
__noinline int nn_fast_forward(struct xdp_md *ctx, __u64 generation, __u64 policy_generation, const struct node *node, __u32 *ifindex)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	struct nn_flow_entry *flow;
	struct decap_ctx decap;
	struct inner *inner = &decap.inner;
	struct encap_nexthop via = {};
	__u32 length;
	__u8 class;

	if (!node || !ifindex)
		return REASON_COUNT;
	force_stack(decap);
	if ((void *)(outer + 1) > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6))
		return REASON_COUNT;
	if (decap_parse(ctx, &decap) != REASON_FORWARDED)
		return REASON_COUNT;
	/* Congestion is to be carried in, or an SRH to be taken off. */
	if (inner->hop_limit <= 1 || (decap.outer.class & 3) == 3 || decap.outer.bytes != sizeof(*outer))
		return REASON_COUNT;
	flow = nn_flow_cache_lookup(&outer->daddr, inner, generation, policy_generation);
	if (!flow)
		return REASON_COUNT;
	length = xdp_length(ctx, decap.outer.length) - sizeof(*outer);
	if (inner->length > length || length > flow->mtu)
		return REASON_COUNT;
	if (inner->protocol == IPPROTO_TCP) {
		__u8 *tcp = (__u8 *)(outer + 1) + (inner->family == FAMILY_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

		if ((void *)(tcp + 20) > data_end || !ct_tcp_fast(flow, inner, tcp))
			return REASON_COUNT;
	}
	trace_capture(ctx);
	if (inner->family == FAMILY_INET) {
		struct iphdr *ip = (struct iphdr *)(outer + 1);

		if ((void *)(ip + 1) > data_end)
			return REASON_COUNT;
		ipv4_dec_ttl(ip);
	} else {
		struct ipv6hdr *ip6 = outer + 1;

		if ((void *)(ip6 + 1) > data_end)
			return REASON_COUNT;
		ip6->hop_limit--;
	}
	write_macs(data, flow->dest_mac);
	/* The code point stays that of the header that arrived, congestion is the inner packet's (RFC 6040 section 4). */
	class = (decap.outer.class & 0xfc) | (inner->traffic_class & 3);
	via.first = &flow->first;
	inner->hash = flow->hash;
	write_outer_class(outer, &via, node, inner, class);
	count_policy(flow->policy, 0, 1, inner->length);
	count_zones(flow->from_slot, flow->peer_slot, 1, inner->length);
	*ifindex = flow->ifindex;
	return REASON_FORWARDED;
}

static __always_inline void cache_forwarded(const struct packet *packet, const struct nn_verdict *verdict, const struct reencap_ctx *arrived,
					    const struct encap *encap, __u64 generation, __u64 policy_generation, __u32 hash)
{
	const struct nexthop *hop = encap_nexthop_of(encap, hash);

	if (hop)
		nn_flow_cache_insert(&arrived->sid, &packet->inner, verdict, generation, policy_generation, hash, encap, hop);
}

static __always_inline int nn_uplink_ingress(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct nn_config *state;
	struct nn_verdict *verdict;
	struct packet *packet;
	struct nn_buf *scratch;
	struct endpoint *endpoint;
	struct encap *encap;
	struct reencap_ctx arrived;
	struct node *node;
	__u32 zero = 0, ifindex = 0, hash, id = 0;
	__u64 generation = cache_generation_now(), policy_generation;
	enum reason source;
	int reason;

	state = bpf_map_lookup_elem(&sg_nn_config, &zero);
	node = bpf_map_lookup_elem(&sg_node, &zero);
	scratch = bpf_map_lookup_elem(&sg_nn_buf, &zero);
	if (!scratch || !state || !node)
		return XDP_PASS;
	if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6) ||
	    !is_for_uplink(data, node, ctx->ingress_ifindex))
		return XDP_PASS;
	policy_generation = *(volatile __u64 *)&state->policy_generation;
	/* Checked for every packet: packets of a cached flow may come from several nodes. */
	source = check_outer_source(data + ETH_HLEN, generation, FROM_WIRE_XDP);
	reason = source == REASON_FORWARDED ? nn_fast_forward(ctx, generation, policy_generation, node, &ifindex) : REASON_COUNT;
	if (reason == REASON_FORWARDED) {
		count_verdict(reason);
		trace_verdict(ctx, reason, ifindex, HOOK_NN_UPLINK_XDP);
		return bpf_redirect(ifindex, 0);
	}
	packet = &scratch->packet;
	verdict = &scratch->verdict;
	reason = reencap_parse(&arrived, &verdict->from, data, data_end, source);
	if (reason == REASON_COUNT)
		goto not_ours;
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	reason = parse_packet(ctx, packet, ETH_HLEN + arrived.outer.bytes, arrived.outer.protocol);
	if (is_local_endpoint(verdict->from.id, &packet->inner))
		goto not_ours;
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	if (!is_within_outer(&arrived, &packet->inner, bpf_xdp_get_buff_len(ctx)))
		return finish_packet(ctx, DROP_MALFORMED);
	if (packet->inner.hop_limit <= 1)
		return finish_packet(ctx, PUNT_HOP_LIMIT);
	hash = flow_hash(&packet->key);
	if (packet->key.protocol == IPPROTO_TCP && packet->type == PACKET_WHOLE)
		nn_flow_cache_write_back(&arrived.sid, &packet->inner);
	reason = nn_process(packet, verdict, state, &arrived, data, data_end, hash, 1, &encap);
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	trace_capture(ctx);
	endpoint = NULL;
	if (!encap) {
		endpoint = nn_lookup_endpoint(verdict->peer, &packet->inner);
		if (!endpoint)
			return finish_packet(ctx, PUNT_NO_MEMBER);
		id = endpoint->id;
		if (endpoint->type == EP_REMOTE)
			encap = bpf_map_lookup_elem(&sg_encaps, &id);
	}
	if (encap) {
		reason = xdp_forward_to_uplink(ctx, packet, verdict, &arrived, encap, node, hash, &ifindex);
	} else if (endpoint && endpoint->type == EP_LOCAL) {
		struct port *port = bpf_map_lookup_elem(&sg_ports, &id);

		if (!port)
			return finish_packet(ctx, PUNT_NO_MEMBER);
		/* tcx takes it. */
		if (!(port->flags & PORT_XDP_XMIT))
			return XDP_PASS;
		ifindex = id;
		reason = xdp_forward_to_port(ctx, packet, &arrived, port);
		if (reason == REASON_FORWARDED)
			count_rx(port->slot, 1, packet->inner.length);
	} else if (endpoint && endpoint->type == EP_EXTERNAL) {
		/* tcx takes it. */
		if (!(id & EP_EXTERNAL_XDP_XMIT))
			return XDP_PASS;
		ifindex = id & ~EP_EXTERNAL_XDP_XMIT;
		reason = xdp_forward_to_external(ctx, packet, &arrived, ifindex);
	} else {
		reason = PUNT_NO_MEMBER;
	}
	if (reason != REASON_FORWARDED)
		return finish_packet(ctx, reason);
	if (endpoint && endpoint->type == EP_LOCAL)
		learn_return_path_self(packet, verdict->peer, state->self);
	if (!verdict->relay_count)
		account_packet(packet, verdict, reason, 1);
	if (encap && !encap->srh_bytes && !verdict->relay_count && packet->type == PACKET_WHOLE)
		cache_forwarded(packet, verdict, &arrived, encap, generation, policy_generation, hash);
	count_verdict(reason);
	trace_verdict(ctx, reason, ifindex, HOOK_NN_UPLINK_XDP);
	return bpf_redirect(ifindex, 0);
not_ours:
	bpf_tail_call(ctx, &sg_uplink_prog, 0);
	return XDP_PASS;
}

SEC("xdp.frags")
int segue_steer_xdp(struct xdp_md *ctx)
{
	return nn_uplink_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
