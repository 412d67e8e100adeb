/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Requests for addresses, which programs of their own answer (sg_replies): DHCPv4, DHCPv6, router solicitations. */
#pragma once
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "ctx/skb.h"
#include "dhcp/server.h"
#include "maps/dhcp_maps.h"
#include "maps/reply_programs.h"
#include "net/proto.h"

/* Above any verdict: the packet is left to the program of sg_replies that the rest numbers. */
#define LEAVE_TO 0x100

/* Is it DHCPv4's, for the port's server or for any? A fragment is none: it is not whole. In kernel mode every packet of a VM is asked: the map last. */
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

/* Returns LEAVE_TO and a program, or TCX_NEXT where it is no request, or one of a port whose subnets say nothing. */
static __noinline int address_request(struct __sk_buff *skb, __u32 ifindex)
{
	struct {
		struct ipv6hdr ip6;
		union {
			struct udphdr udp;
			struct icmp_head icmp;
		};
	} six;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return is_dhcp4_request(skb, ifindex) ? LEAVE_TO + REPLY_DHCP4 : TCX_NEXT;
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, ETH_HLEN, &six, sizeof(six)))
		return TCX_NEXT;
	if (six.ip6.nexthdr == IPPROTO_UDP && six.udp.dest == DHCP6_SERVER)
		return bpf_map_lookup_elem(&sg_dhcp6, &ifindex) ? LEAVE_TO + REPLY_DHCP6 : TCX_NEXT;
	if (six.ip6.nexthdr == IPPROTO_ICMPV6 && six.icmp.type == ICMP6_ROUTER_SOLICITATION)
		return bpf_map_lookup_elem(&sg_ra, &ifindex) ? LEAVE_TO + REPLY_DHCP6 : TCX_NEXT;
	return TCX_NEXT;
}
