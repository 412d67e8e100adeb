// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a network node's uplink: as nn_uplink_xdp.bpf.c, with super-packets whole. It stands before the hypervisor's program. */
#define KNOWS_ZONES
#include "nn/forward_tc.h"
#include "ctx/pass.h"

/* To the hypervisor's program, which is next and counts it, or to the host. */
static __always_inline int leave(void)
{
	return is_hypervisor ? TCX_NEXT : pass_host();
}

SEC("tcx/ingress")
int segue_steer_tc(struct __sk_buff *skb)
{
	enum entrance entrance = skb->mark == MARK_SELF ? ENTERED_SELF : ENTERED_TC;
	enum reason source;
	struct ipv6hdr *ip6;
	struct steer_scratch *scratch;
	struct steering *state;
	struct outer outer = {};
	struct node *node;
	__u32 zero = 0;
	int reason;

	if (is_of_vlan(skb))
		return is_hypervisor ? TCX_NEXT : pass_vlan(skb, HOOK_STEER);
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != PACKET_HOST)
		return leave();
	pull(skb);
	scratch = bpf_map_lookup_elem(&steer_scratches, &zero);
	state = bpf_map_lookup_elem(&steering, &zero);
	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!scratch || !state || !node)
		return leave();
	ip6 = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip6 + 1) > (void *)(long)skb->data_end)
		return leave();
	source = check_outer_source(ip6, epoch_now(), entrance);
	reason = read_outer(&outer, &scratch->passage.from, (void *)(long)skb->data, (void *)(long)skb->data_end, source);
	if (reason == REASON_COUNT)
		return leave();
	if (!remove_priority_tag(skb))
		return nn_exception(skb, PUNT_NO_ROOM, HOOK_STEER);
	if (reason == REASON_FORWARDED) {
		reason = read_steered(skb, scratch, &outer);
		if (is_own_member(scratch->passage.from.id, &scratch->packet.inner))
			return leave();
	}
	/* What went on to the hypervisor's program has it still. */
	if (entrance == ENTERED_SELF)
		skb->mark = 0;
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, HOOK_STEER);
	return send_on(skb, scratch, &outer, state, node, HOOK_STEER);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
