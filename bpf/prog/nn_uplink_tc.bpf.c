// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a network node's uplink: does the same as nn_uplink_xdp.bpf.c, for super-packets too. Runs before the hypervisor's program. */
#define TRACE_WITH_ZONES
#include "nn/forward_tc.h"
#include "ctx/pass.h"

/* Passes a frame to the hypervisor's program, which is next and counts it, or to the host. */
static __always_inline int pass_to_hypervisor(void)
{
	return is_hypervisor ? TCX_NEXT : pass_host();
}

SEC("tcx/ingress")
int segue_steer_tc(struct __sk_buff *skb)
{
	enum arrival_path arrival_path = skb->mark == MARK_LOOPBACK ? FROM_LOOPBACK : FROM_WIRE_TC;
	enum reason source;
	struct ipv6hdr *ip6;
	struct nn_buf *scratch;
	struct nn_config *state;
	struct reencap_ctx arrived = {};
	struct node *node;
	__u32 zero = 0;
	int reason;

	if (is_vlan_frame(skb))
		return is_hypervisor ? TCX_NEXT : pass_vlan(skb, HOOK_NN_UPLINK);
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != PACKET_HOST)
		return pass_to_hypervisor();
	frame_linearize(skb, PULL_BYTES);
	scratch = bpf_map_lookup_elem(&sg_nn_buf, &zero);
	state = bpf_map_lookup_elem(&sg_nn_config, &zero);
	node = bpf_map_lookup_elem(&sg_node, &zero);
	if (!scratch || !state || !node)
		return pass_to_hypervisor();
	ip6 = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip6 + 1) > (void *)(long)skb->data_end)
		return pass_to_hypervisor();
	source = check_outer_source(ip6, cache_generation_now(), arrival_path);
	reason = reencap_parse(&arrived, &scratch->verdict.from, (void *)(long)skb->data, (void *)(long)skb->data_end, source);
	if (reason == REASON_COUNT)
		return pass_to_hypervisor();
	if (!remove_priority_tag(skb))
		return nn_exception(skb, PUNT_NO_ROOM, HOOK_NN_UPLINK);
	if (reason == REASON_FORWARDED) {
		reason = nn_parse_inner(skb, scratch, &arrived);
		if (is_local_endpoint(scratch->verdict.from.id, &scratch->packet.inner))
			return pass_to_hypervisor();
	}
	/* Cleared only now: the hypervisor's program reads the mark of frames that it gets. */
	if (arrival_path == FROM_LOOPBACK)
		skb->mark = 0;
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, HOOK_NN_UPLINK);
	return nn_forward_tc(skb, scratch, &arrived, state, node, HOOK_NN_UPLINK);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
