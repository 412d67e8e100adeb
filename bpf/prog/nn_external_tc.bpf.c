// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx ingress of an interface of an external network: takes what comes from there for tenants' addresses, decides, and encapsulates what
 * may go; drops what is to or from the SR domain. All else is the kernel's: neighbour discovery, the node's own addresses, whatever it forwards.
 */
#define KNOWS_ZONES
#include "nn/forward_tc.h"
#include "ctx/pass.h"
#include "nn/external.h"
#include "srv6/domain.h"

static __always_inline bool read_addresses(struct inner *inner, void *header, void *data_end, __u8 protocol)
{
	if (protocol == IPPROTO_IPIP) {
		struct iphdr *ip = header;

		if ((void *)(ip + 1) > data_end)
			return false;
		inner->family = FAMILY_INET;
		inner->traffic_class = ip->tos;
		inner->source = (struct in6_addr){};
		inner->dest = (struct in6_addr){};
		inner->source.in6_u.u6_addr32[0] = ip->saddr;
		inner->dest.in6_u.u6_addr32[0] = ip->daddr;
	} else {
		struct ipv6hdr *ip6 = header;

		if ((void *)(ip6 + 1) > data_end)
			return false;
		inner->family = FAMILY_INET6;
		inner->traffic_class = (ip6->priority << 4) | (ip6->flow_lbl[0] >> 4);
		inner->source = ip6->saddr;
		inner->dest = ip6->daddr;
	}
	return true;
}

static __always_inline bool is_multicast(const struct inner *inner)
{
	__u8 first = inner->source.in6_u.u6_addr8[0];

	return inner->family == FAMILY_INET ? first >= 224 : first == 0xff;
}

/* May it come from there? Not as a tenant, and from one sender. */
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
	/* Whose the address is, as the tenant sees it: answers go there. */
	back = bpf_map_lookup_elem(&routes, &key);
	return back && back->id != zone->id ? DROP_SOURCE_ADDRESS : REASON_FORWARDED;
}

SEC("tcx/ingress")
int segue_extern_tc(struct __sk_buff *skb)
{
	struct outer outer = {};
	struct steer_scratch *scratch;
	struct zone *zone, *to;
	struct steering *state;
	struct inner *inner;
	struct node *node;
	__u32 zero = 0;
	int reason;

	if (is_of_vlan(skb))
		return pass_vlan(skb, HOOK_EXTERNAL);
	if (skb->pkt_type == PACKET_OTHERHOST)
		return pass_host();
	if (skb->protocol == bpf_htons(ETH_P_IP))
		outer.protocol = IPPROTO_IPIP;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		outer.protocol = IPPROTO_IPV6;
	else
		return pass_host();
	pull(skb);
	scratch = bpf_map_lookup_elem(&steer_scratches, &zero);
	state = bpf_map_lookup_elem(&steering, &zero);
	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!scratch || !state || !node)
		return pass_host();
	inner = &scratch->packet.inner;
	if (!read_addresses(inner, (void *)(long)skb->data + ETH_HLEN, (void *)(long)skb->data_end, outer.protocol))
		return pass_host();
	/* Whatever would become of it: the kernel's own SIDs take a frame whoever's MAC address it is to, and forward what has a route. */
	if (touches_domain(inner))
		return nn_exception(skb, DROP_DOMAIN_ADDRESS, HOOK_EXTERNAL);
	if (skb->pkt_type != PACKET_HOST)
		return pass_host();
	zone = find_external_zone(skb->ifindex, inner);
	if (!zone)
		return pass_host();
	to = find_route(zone->id, inner);
	if (!to)
		return pass_host();
	if (!remove_priority_tag(skb))
		return nn_exception(skb, PUNT_NO_ROOM, HOOK_EXTERNAL);
	scratch->passage.from = *zone;
	outer.class = inner->traffic_class;
	reason = check_source(zone, to->id, inner);
	if (reason == REASON_FORWARDED)
		reason = read_steered(skb, scratch, &outer);
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, HOOK_EXTERNAL);
	return send_on(skb, scratch, &outer, state, node, HOOK_EXTERNAL);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
