/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Requests that programs of sg_replies answer: DHCPv4, DHCPv6, router solicitations, and requests to a service of the node. */
#pragma once
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "ctx/skb.h"
#include "dhcp/server.h"
#include "maps/dhcp_maps.h"
#include "maps/reply_programs.h"
#include "maps/service_maps.h"
#include "net/proto.h"
#include "service/address.h"

/* Above any verdict: LEAVE_TO + n leaves the packet to program n of sg_replies. */
#define LEAVE_TO 0x100

/* Whether this is a DHCPv4 request to the port's server or to any; no fragment. The map comes last: in kernel mode this sees all packets of a VM. */
static __always_inline bool is_dhcp4_request(struct __sk_buff *skb, __u32 ifindex)
{
	const struct dhcp4_lease *lease;
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} head;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &head, sizeof(head)) || head.ip.ihl != 5 || head.ip.protocol != IPPROTO_UDP ||
	    head.udp.dest != DHCP4_SERVER || head.ip.frag_off & IP_OFFSET_OR_MORE)
		return false;
	lease = bpf_map_lookup_elem(&sg_dhcp4, &ifindex);
	return lease && (head.ip.daddr == BROADCAST || head.ip.daddr == lease->server);
}

/* Whether this is a request to a service of the node. Echo requests are not: reply_echo() or the kernel answers them. */
static __always_inline bool is_service4_request(struct __sk_buff *skb)
{
	enum service_kind kind;
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.protocol == IPPROTO_ICMP)
		return false;
	kind = service_kind4(ip.daddr);
	return kind && node_has_service(kind);
}

/* Returns LEAVE_TO plus a program. TCX_NEXT: the packet is no request, or the port has nothing configured for it. */
static __noinline int address_request(struct __sk_buff *skb, __u32 ifindex)
{
	struct {
		struct ipv6hdr ip6;
		union {
			struct udphdr udp;
			struct icmp_head icmp;
		};
	} six;
	enum service_kind kind;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return is_service4_request(skb) ? LEAVE_TO + REPLY_SERVICE : is_dhcp4_request(skb, ifindex) ? LEAVE_TO + REPLY_DHCP4 : TCX_NEXT;
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, ETH_HLEN, &six, sizeof(six)))
		return TCX_NEXT;
	kind = service_kind6(&six.ip6.daddr);
	if (kind && six.ip6.nexthdr != IPPROTO_ICMPV6)
		return node_has_service(kind) ? LEAVE_TO + REPLY_SERVICE : TCX_NEXT;
	if (six.ip6.nexthdr == IPPROTO_UDP && six.udp.dest == DHCP6_SERVER)
		return bpf_map_lookup_elem(&sg_dhcp6, &ifindex) ? LEAVE_TO + REPLY_DHCP6 : TCX_NEXT;
	if (six.ip6.nexthdr == IPPROTO_ICMPV6 && six.icmp.type == ICMP6_ROUTER_SOLICITATION)
		return bpf_map_lookup_elem(&sg_ra, &ifindex) ? LEAVE_TO + REPLY_DHCP6 : TCX_NEXT;
	return TCX_NEXT;
}
