// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a network node's uplink: classifies packets to gateway SIDs, and forwards those that are allowed with a new outer header. Packets to other
 * SIDs go to the hypervisor's program, if there is one. */
#define TRACE_WITH_ZONES
#include "nn/xdp.h"
#include "abi/btf_export.h"
#include "nn/fast_forward.h"
#include "nn/forward.h"

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
/* A type of hypervisors' programs, which `make gen` takes from this object. */
BTF_EXPORT_STRUCT(gw_flow_key);

/* Passes a frame to the hypervisor's program, or to tcx. */
static __always_inline int pass_to_hypervisor(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &sg_uplink_prog, 0);
	return XDP_PASS;
}

/* Caches the flow of a forwarded packet. */
static __always_inline void cache_forwarded(const struct packet *packet, const struct nn_verdict *verdict, const struct reencap_ctx *arrived,
					    const struct encap *encap, __u64 generation, __u64 policy_generation, __u32 hash)
{
	const struct nexthop *hop;

	if (!encap || encap->srh_bytes || verdict->relay_count || packet->type != PACKET_WHOLE)
		return;
	hop = encap_nexthop_of(encap, hash);
	if (hop)
		nn_flow_cache_insert(&arrived->sid, &packet->inner, verdict, generation, policy_generation, hash, encap, hop);
}

static __always_inline int nn_uplink_ingress(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u64 generation = cache_generation_now(), policy_generation;
	struct reencap_ctx arrived;
	struct nn_config *state;
	struct packet *packet;
	struct nn_buf *scratch;
	struct nn_exit exit;
	struct node *node;
	__u32 zero = 0, ifindex = 0, hash;
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
	reason = source == REASON_FORWARDED ? nn_fast_forward(ctx, generation, policy_generation, &ifindex) : REASON_COUNT;
	if (reason == REASON_FORWARDED) {
		count_verdict(reason);
		trace_verdict(ctx, reason, ifindex, HOOK_NN_UPLINK_XDP);
		return bpf_redirect(ifindex, 0);
	}
	packet = &scratch->packet;
	reason = reencap_parse(&arrived, &scratch->verdict.from, data, data_end, source);
	if (reason == REASON_COUNT)
		return pass_to_hypervisor(ctx);
	if (reason != REASON_FORWARDED)
		return xdp_finish(ctx, reason, HOOK_NN_UPLINK_XDP);
	reason = nn_parse_inner(ctx, scratch, &arrived);
	if (is_local_endpoint(scratch->verdict.from.id, &packet->inner))
		return pass_to_hypervisor(ctx);
	if (reason == REASON_FORWARDED && packet->inner.hop_limit <= 1)
		reason = PUNT_HOP_LIMIT;
	if (reason != REASON_FORWARDED)
		return xdp_finish(ctx, reason, HOOK_NN_UPLINK_XDP);
	hash = flow_hash(&packet->key);
	if (packet->key.protocol == IPPROTO_TCP && packet->type == PACKET_WHOLE)
		nn_flow_cache_write_back(&arrived.sid, &packet->inner);
	reason = nn_forward(ctx, scratch, &arrived, state, node, hash, &exit);
	if (reason == NN_LEAVE) {
		trace_forget();
		return XDP_PASS;
	}
	if (reason != REASON_FORWARDED)
		return xdp_finish(ctx, reason, HOOK_NN_UPLINK_XDP);
	cache_forwarded(packet, &scratch->verdict, &arrived, exit.encap, generation, policy_generation, hash);
	trace_verdict(ctx, reason, exit.ifindex, HOOK_NN_UPLINK_XDP);
	return bpf_redirect(exit.ifindex, 0);
}

SEC("xdp.frags")
int segue_steer_xdp(struct xdp_md *ctx)
{
	return nn_uplink_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
