/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Requests of a VM to a service of the node: translated to the node's own prefix (RFC 7915 for IPv4), and sent to the services' namespace. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <stddef.h>
#include "ctx/skb.h"
#include "maps/service_maps.h"
#include "net/csum.h"
#include "net/proto.h"
#include "port/reply.h"
#include "service/address.h"
#include "service/transport.h"

/* Writes the Ethernet header for the veth. */
static __always_inline bool write_service_eth(struct __sk_buff *skb)
{
	const __u8 macs[2 * ETH_ALEN] = SERVICE_MACS;
	struct ethhdr eth = { .h_proto = bpf_htons(ETH_P_IPV6) };

	__builtin_memcpy(&eth, macs, sizeof(macs));
	return !bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0);
}

static __always_inline void set_inside(struct ipv6hdr *ip6, const struct service *service, __u32 ifindex, enum service_kind kind)
{
	ip6->saddr.in6_u.u6_addr32[0] = service->prefix;
	ip6->saddr.in6_u.u6_addr32[1] = bpf_htonl(ifindex);
	ip6->daddr.in6_u.u6_addr32[0] = service->prefix;
	ip6->daddr.in6_u.u6_addr32[1] = bpf_htonl(SERVICE_SIDE | kind);
}

static __always_inline enum reason request_ipv4(struct __sk_buff *skb, const struct service *service)
{
	const __u32 behind = ETH_HLEN + sizeof(struct iphdr);
	struct inner inner = { .family = FAMILY_INET };
	struct ipv6hdr ip6 = {};
	enum service_kind kind;
	struct iphdr ip;
	__u32 bytes;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return DROP_MALFORMED;
	kind = service_kind4(ip.daddr);
	if (!has_service(service, kind) || ip.version != 4 || ip.ihl != 5 || !has_protocol(kind, ip.protocol) || ip.frag_off & IP_OFFSET_OR_MORE)
		return DROP_NO_SERVICE;
	bytes = bpf_ntohs(ip.tot_len);
	if (bytes < sizeof(ip) + protocol_bytes(ip.protocol) || bytes > skb->len - ETH_HLEN)
		return DROP_MALFORMED;
	if (!is_for_service(skb, behind, kind))
		return DROP_NO_SERVICE;
	inner.source.in6_u.u6_addr32[0] = ip.saddr;
	if (!src_allowed(skb->ifindex, &inner))
		return DROP_SOURCE_ADDRESS;
	*(__be32 *)&ip6 = bpf_htonl(0x60000000 | (__u32)ip.tos << 20);
	ip6.payload_len = bpf_htons(bytes - sizeof(ip));
	ip6.nexthdr = ip.protocol;
	ip6.hop_limit = REPLY_HOP_LIMIT;
	set_inside(&ip6, service, skb->ifindex, kind);
	ip6.saddr.in6_u.u6_addr32[3] = ip.saddr;
	if (bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0))
		return DROP_NO_ROOM;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6), 0) ||
	    !replace_addresses(skb, ETH_HLEN + sizeof(ip6), ip.protocol, bpf_csum_diff(&ip.saddr, 8, (void *)&ip6.saddr, 32, 0)))
		return DROP_NO_ROOM;
	return ANSWER_SERVICE;
}

static __always_inline enum reason request_ipv6(struct __sk_buff *skb, const struct service *service)
{
	const __u32 behind = ETH_HLEN + sizeof(struct ipv6hdr);
	struct inner inner = { .family = FAMILY_INET6 };
	enum service_kind kind;
	struct ipv6hdr ip6;
	__u32 bytes;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
		return DROP_MALFORMED;
	kind = service_kind6(&ip6.daddr);
	/* Fragments are refused, too: their next header is neither TCP's nor UDP's. */
	if (!has_service(service, kind) || ip6.version != 6 || !has_protocol(kind, ip6.nexthdr))
		return DROP_NO_SERVICE;
	bytes = bpf_ntohs(ip6.payload_len);
	if (bytes < protocol_bytes(ip6.nexthdr) || bytes > skb->len - behind)
		return DROP_MALFORMED;
	if (!is_for_service(skb, behind, kind))
		return DROP_NO_SERVICE;
	inner.source = ip6.saddr;
	inner.dest = ip6.daddr;
	if (!is_link_local(&inner.source) && !src_allowed(skb->ifindex, &inner))
		return DROP_SOURCE_ADDRESS;
	set_inside(&ip6, service, skb->ifindex, kind);
	ip6.saddr.in6_u.u6_addr32[2] = inner.source.in6_u.u6_addr32[2];
	ip6.saddr.in6_u.u6_addr32[3] = inner.source.in6_u.u6_addr32[3];
	ip6.daddr.in6_u.u6_addr32[2] = inner.source.in6_u.u6_addr32[0];
	ip6.daddr.in6_u.u6_addr32[3] = inner.source.in6_u.u6_addr32[1];
	ip6.hop_limit = REPLY_HOP_LIMIT;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6), BPF_F_RECOMPUTE_CSUM) ||
	    !replace_addresses(skb, behind, ip6.nexthdr, bpf_csum_diff((void *)&inner.source, 32, (void *)&ip6.saddr, 32, 0)))
		return DROP_NO_ROOM;
	return ANSWER_SERVICE;
}

/* Translates a request. ANSWER_SERVICE: the caller sends it to the services' namespace. */
static __always_inline enum reason service_request(struct __sk_buff *skb, const struct port *port, const struct service *service)
{
	struct ethhdr eth;
	enum reason reason;

	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return DROP_MALFORMED;
	if (!same_mac(eth.h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!is_gateway_mac(eth.h_dest, port))
		return PUNT_NOT_ROUTED;
	reason = eth.h_proto == bpf_htons(ETH_P_IP) ? request_ipv4(skb, service) : request_ipv6(skb, service);
	if (reason == ANSWER_SERVICE && !write_service_eth(skb))
		return DROP_NO_ROOM;
	return reason;
}
