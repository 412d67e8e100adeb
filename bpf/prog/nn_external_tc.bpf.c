// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx ingress of an external network's interface: classifies packets to tenants' addresses and encapsulates those that are allowed; drops packets to
 * or from the SR domain. All others are left to the kernel: neighbour discovery, the node's own addresses, packets that the host forwards.
 */
#define TRACE_WITH_ZONES
#include "nn/forward_tc.h"
#include "ctx/pass.h"
#include "nn/external.h"
#include "srv6/domain.h"

static __always_inline bool parse_addresses(struct inner *inner, struct cursor *cursor, __u8 protocol)
{
	return protocol == IPPROTO_IPIP ? parse_ipv4_header(inner, cursor) : parse_ipv6_header(inner, cursor);
}

static __always_inline bool is_multicast(const struct inner *inner)
{
	__u8 first = inner->source.in6_u.u6_addr8[0];

	return inner->family == FAMILY_INET ? first >= 224 : first == 0xff;
}

/* Checks the source of a packet from an external network: one of the network's addresses, no multicast. */
static __always_inline enum reason check_source(const struct zone *zone, __u32 to, const struct inner *inner)
{
	struct prefix_key key = {
		.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
		.tenant = to,
		.family = inner->family,
		.address = inner->source,
	};
	struct zone *back;

	if (zone->flags & ZONE_OUTSIDE || is_multicast(inner))
		return DROP_SOURCE_ADDRESS;
	/* The destination's route to the source, which replies take, must lead to this external network, if there is one. */
	back = bpf_map_lookup_elem(&sg_zone_routes, &key);
	return back && back->id != zone->id ? DROP_SOURCE_ADDRESS : REASON_FORWARDED;
}

SEC("tcx/ingress")
int segue_extern_tc(struct __sk_buff *skb)
{
	struct reencap_ctx arrived = {};
	struct nn_buf *scratch;
	struct cursor cursor;
	struct zone *zone, *to;
	struct nn_config *state;
	struct inner *inner;
	struct node *node;
	__u32 zero = 0;
	int reason;

	if (is_vlan_frame(skb))
		return pass_vlan(skb, HOOK_EXTERNAL);
	if (skb->pkt_type == PACKET_OTHERHOST)
		return pass_host();
	if (skb->protocol == bpf_htons(ETH_P_IP))
		arrived.outer.protocol = IPPROTO_IPIP;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		arrived.outer.protocol = IPPROTO_IPV6;
	else
		return pass_host();
	frame_linearize(skb, PULL_BYTES);
	scratch = bpf_map_lookup_elem(&sg_nn_buf, &zero);
	state = bpf_map_lookup_elem(&sg_nn_config, &zero);
	node = bpf_map_lookup_elem(&sg_node, &zero);
	if (!scratch || !state || !node)
		return pass_host();
	inner = &scratch->packet.inner;
	cursor.at = (void *)(long)skb->data + ETH_HLEN;
	cursor.end = (void *)(long)skb->data_end;
	/* The kernel drops packets with a malformed IP header. */
	if (!parse_addresses(inner, &cursor, arrived.outer.protocol))
		return pass_host();
	/* Before all other checks: the kernel's SIDs accept frames to any MAC address, and the kernel forwards packets that have a route. */
	if (touches_domain(inner))
		return nn_exception(skb, DROP_DOMAIN_ADDRESS, HOOK_EXTERNAL);
	if (skb->pkt_type != PACKET_HOST)
		return pass_host();
	zone = external_zone_lookup(skb->ifindex, inner);
	if (!zone)
		return pass_host();
	to = zone_route_lookup(zone->id, inner);
	if (!to)
		return pass_host();
	if (!remove_priority_tag(skb))
		return nn_exception(skb, PUNT_NO_ROOM, HOOK_EXTERNAL);
	scratch->verdict.from = *zone;
	trace_zone(zone->id);
	arrived.outer.class = inner->traffic_class;
	reason = check_source(zone, to->id, inner);
	if (reason == REASON_FORWARDED)
		reason = nn_parse_inner(skb, scratch, &arrived);
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, HOOK_EXTERNAL);
	return nn_forward_tc(skb, scratch, &arrived, state, node, HOOK_EXTERNAL);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
