/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Anti-spoofing: which packets of a VM are dropped, and which the fast path leaves to the kernel. */
#pragma once
#include "fib/endpoint.h"
#include "fib/flow_cache.h"
#include "fib/gw_flow_cache.h"
#include "net/addr.h"
#include "net/parse.h"
#include "srv6/domain.h"

/* Whether a MAC address is the gateway's: the present one, or the former one that the VM may still have in its neighbour table. */
static __always_inline bool is_gateway_mac(const __u8 *mac, const struct port *port)
{
	return same_mac(mac, port->gateway_mac) || same_mac(mac, port->former_mac);
}

/* Parses a frame of the VM, before antispoof_check(). The caller compares the packet's length with the frame's. */
static __always_inline enum reason parse_port_frame(struct CTX *ctx, const struct port *port, struct inner *inner)
{
	struct cursor cursor = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct ethhdr *eth = cursor.at;

	if (!cursor_take(&cursor, sizeof(*eth)))
		return DROP_MALFORMED;
	if (!same_mac(eth->h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!is_gateway_mac(eth->h_dest, port))
		return PUNT_NOT_ROUTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_ipv4(inner, &cursor);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(ctx, inner, &cursor, ETH_HLEN);
	return PUNT_NOT_IP;
}

/* Whether the VM at an interface may send from the packet's source address. */
static __always_inline bool src_allowed(__u32 ifindex, const struct inner *inner)
{
	struct allowed_src_key key = { .ifindex = ifindex, .family = inner->family, .address = inner->source };

	if (bpf_map_lookup_elem(&sg_allowed_src, &key))
		return true;
	if (use_prefixes) {
		struct allowed_src_lpm_key prefix = {
			.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
			.ifindex = ifindex,
			.family = inner->family,
			.address = inner->source,
		};

		return bpf_map_lookup_elem(&sg_allowed_lpm, &prefix);
	}
	return false;
}

/* A source that is not among the VM's addresses. From its link-local address a VM may reach the gateway, but such packets are never forwarded
 * (RFC 4291 section 2.5.6). */
static __always_inline enum reason check_link_local_src(const struct port *port, const struct inner *inner)
{
	const struct endpoint *endpoint;

	if (inner->family != FAMILY_INET6 || !is_link_local(&inner->source))
		return DROP_SOURCE_ADDRESS;
	endpoint = lookup_endpoint(port->tenant, inner);
	return endpoint && endpoint->type == EP_GATEWAY ? PUNT_NO_MEMBER : DROP_SOURCE_ADDRESS;
}

/* Whether the VM may send a packet. encap: cached by the packet's addresses or its flow, or 0. A hit skips the checks: the packet that inserted the
 * entry has passed them. */
static __always_inline enum reason antispoof_check(__u32 ifindex, const struct port *port, const struct inner *inner, __u64 generation, __u32 *encap)
{
	*encap = egress_cache_lookup(inner, ifindex, generation);
	if (!*encap)
		*encap = gw_flow_cache_lookup(inner, ifindex, generation);
	if (!*encap) {
		if (touches_domain(inner))
			return DROP_DOMAIN_ADDRESS;
		if (!src_allowed(ifindex, inner))
			return check_link_local_src(port, inner);
	}
	return inner->hop_limit <= 1 ? PUNT_HOP_LIMIT : REASON_FORWARDED;
}
