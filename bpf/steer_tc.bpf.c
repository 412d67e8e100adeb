// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a network node's uplink: as steer_xdp.bpf.c, with super-packets whole. It stands before the hypervisor's program. */
#include "steer_tc.h"

SEC("tcx/ingress")
int segue_steer_tc(struct __sk_buff *skb)
{
	struct steer_scratch *scratch;
	struct steering *state;
	struct outer outer;
	struct node *node;
	__u32 zero = 0;
	int reason;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return TCX_NEXT;
	pull(skb);
	scratch = bpf_map_lookup_elem(&steer_scratches, &zero);
	state = bpf_map_lookup_elem(&steering, &zero);
	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!scratch || !state || !node)
		return TCX_NEXT;
	reason = read_outer(&outer, &scratch->passage.from, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if (reason == REASON_COUNT)
		return TCX_NEXT;
	if (reason == REASON_FORWARDED) {
		reason = read_steered(skb, scratch, &outer);
		if (is_own_member(scratch->passage.from.id, &scratch->packet.inner))
			return TCX_NEXT;
	}
	if (reason != REASON_FORWARDED)
		return aside(skb, reason, HOOK_STEER);
	return send_on(skb, scratch, &outer, state, node, HOOK_STEER);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
