/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What no tenant may send, and what the fast path leaves to the kernel. */
#pragma once
#include "fib/endpoint.h"
#include "fib/flow_cache.h"
#include "fib/gw_flow_cache.h"
#include "net/addr.h"
#include "net/parse.h"
#include "srv6/domain.h"

/* Is it for the gateway? As it is known now, or as it was known before. */
static __always_inline bool is_gateway_mac(const __u8 *mac, const struct port *port)
{
	return same_mac(mac, port->gateway_mac) || same_mac(mac, port->former_mac);
}

/* Reads a frame of the VM, before guard(). Whether it is as long as the packet in it says is the caller's to see. */
static __always_inline enum reason read_frame(void *data, void *data_end, const struct port *port, struct inner *inner)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return DROP_MALFORMED;
	if (!same_mac(eth->h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!is_gateway_mac(eth->h_dest, port))
		return PUNT_NOT_ROUTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return read_inet(inner, (struct iphdr *)(eth + 1), data_end);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return read_inet6(inner, (struct ipv6hdr *)(eth + 1), data_end);
	return PUNT_NOT_IP;
}

/* May the VM at an interface send from this address? */
static __always_inline bool may_send(__u32 ifindex, const struct inner *inner)
{
	struct source_key key = { .ifindex = ifindex, .family = inner->family, .address = inner->source };

	if (bpf_map_lookup_elem(&sources, &key))
		return true;
	if (use_prefixes) {
		struct source_prefix_key prefix = {
			.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
			.ifindex = ifindex,
			.family = inner->family,
			.address = inner->source,
		};

		return bpf_map_lookup_elem(&source_prefixes, &prefix);
	}
	return false;
}

/* What a VM sends from an address that is not among its own. Its link-local address is for this link (RFC 4291 section 2.5.6): from there it
 * may ask the gateway, and is never forwarded. */
static __always_inline enum reason not_its_own(const struct port *port, const struct inner *inner)
{
	const struct target *target;

	if (inner->family != FAMILY_INET6 || !is_link_local(&inner->source))
		return DROP_SOURCE_ADDRESS;
	target = find_target(port->tenant, inner);
	return target && target->kind == TARGET_GATEWAY ? PUNT_NO_MEMBER : DROP_SOURCE_ADDRESS;
}

/* May the VM send it? encap: the encapsulation that it takes, where that is remembered of a packet between the same addresses, or of the
 * same flow, which were looked at then; else 0. */
static __always_inline enum reason guard(__u32 ifindex, const struct port *port, const struct inner *inner, __u64 epoch, __u32 *encap)
{
	*encap = recall_egress(inner, ifindex, epoch);
	if (!*encap)
		*encap = recall_steered(inner, ifindex, epoch);
	if (!*encap) {
		if (touches_domain(inner))
			return DROP_DOMAIN_ADDRESS;
		if (!may_send(ifindex, inner))
			return not_its_own(port, inner);
	}
	return inner->hop_limit <= 1 ? PUNT_HOP_LIMIT : REASON_FORWARDED;
}
