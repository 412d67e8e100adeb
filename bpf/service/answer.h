/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Answers of the node's services that leave their namespace: translated to come from the address that the VM used, to the VM's own address. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include "ctx/skb.h"
#include "maps/fastpath_maps.h"
#include "maps/service_maps.h"
#include "net/csum.h"
#include "net/proto.h"
#include "port/reply.h"
#include "service/address.h"
#include "service/transport.h"

/* Hosts behind a VM are kept from metadata by its hop limit, not from DNS. */
static __always_inline __u8 answer_hop_limit(const struct service *service, __u32 kind)
{
	return is_dns(kind) ? REPLY_HOP_LIMIT : service->hop_limit;
}

static __always_inline enum reason answer_ipv4(struct __sk_buff *skb, const struct service *service, const struct ipv6hdr *ip6, __u32 kind)
{
	struct iphdr ip = {};

	*(__u8 *)&ip = 0x45;
	ip.tos = bpf_ntohl(*(const __be32 *)ip6) >> 20;
	ip.tot_len = bpf_htons(bpf_ntohs(ip6->payload_len) + sizeof(ip));
	ip.frag_off = bpf_htons(0x4000);
	ip.ttl = answer_hop_limit(service, kind);
	ip.protocol = ip6->nexthdr;
	ip.saddr = kind == SERVICE_DNS4 ? DNS4 : METADATA4;
	ip.daddr = ip6->daddr.in6_u.u6_addr32[3];
	ip.check = csum_fold(csum_bytes(&ip, sizeof(ip)));
	if (bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0))
		return DROP_NO_ROOM;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ||
	    !replace_addresses(skb, ETH_HLEN + sizeof(ip), ip.protocol, bpf_csum_diff((void *)&ip6->saddr, 32, &ip.saddr, 8, 0)))
		return DROP_NO_ROOM;
	return ANSWER_SERVICE;
}

static __always_inline enum reason answer_ipv6(struct __sk_buff *skb, const struct service *service, struct ipv6hdr *ip6, __u32 kind)
{
	struct in6_addr was[2] = { ip6->saddr, ip6->daddr };

	if (!service_address6(kind, &ip6->saddr))
		return DROP_NO_SERVICE;
	ip6->daddr.in6_u.u6_addr32[0] = was[0].in6_u.u6_addr32[2];
	ip6->daddr.in6_u.u6_addr32[1] = was[0].in6_u.u6_addr32[3];
	ip6->hop_limit = answer_hop_limit(service, kind);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, ip6, sizeof(*ip6), BPF_F_RECOMPUTE_CSUM) ||
	    !replace_addresses(skb, ETH_HLEN + sizeof(*ip6), ip6->nexthdr, bpf_csum_diff((void *)was, 32, (void *)&ip6->saddr, 32, 0)))
		return DROP_NO_ROOM;
	return ANSWER_SERVICE;
}

/*
 * Translates an answer. Nothing else may leave the services' namespace: no connection from inside, no other port.
 * ifindex: of the VM's port
 */
static __always_inline enum reason service_answer(struct __sk_buff *skb, const struct service *service, __u32 *ifindex)
{
	const struct port *port;
	struct ipv6hdr ip6;
	struct ethhdr eth;
	enum reason reason;
	__u32 kind;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
		return DROP_NO_SERVICE;
	if (!is_service_side(service, &ip6.saddr) || ip6.daddr.in6_u.u6_addr32[0] != service->prefix)
		return DROP_NO_SERVICE;
	kind = bpf_ntohl(ip6.saddr.in6_u.u6_addr32[1]) & ~SERVICE_SIDE;
	if (kind >= SERVICE_KINDS || !has_service(service, kind) || !has_protocol(kind, ip6.nexthdr))
		return DROP_NO_SERVICE;
	if (!is_from_service(skb, ETH_HLEN + sizeof(ip6), kind, ip6.nexthdr))
		return DROP_NO_SERVICE;
	*ifindex = bpf_ntohl(ip6.daddr.in6_u.u6_addr32[1]);
	port = bpf_map_lookup_elem(&sg_ports, ifindex);
	if (!port)
		return DROP_NO_MEMBER;
	set_reply_eth(&eth, port, is_kind4(kind) ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6));
	reason = is_kind4(kind) ? answer_ipv4(skb, service, &ip6, kind) : answer_ipv6(skb, service, &ip6, kind);
	if (reason == ANSWER_SERVICE && bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0))
		return DROP_NO_ROOM;
	return reason;
}
