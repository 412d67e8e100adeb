/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What no tenant may send, and what the fast path leaves to the kernel. */
#pragma once
#include "inner.h"
#include "lookup.h"

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

static __always_inline bool in_sid_block(const struct in6_addr *address, const struct node *node)
{
	const __u32 *word = address->in6_u.u6_addr32;
	const __u32 *block = node->sid_block.in6_u.u6_addr32;
	const __u32 *mask = node->sid_mask.in6_u.u6_addr32;

	return !(((word[0] & mask[0]) ^ block[0]) | ((word[1] & mask[1]) ^ block[1]) | ((word[2] & mask[2]) ^ block[2]) |
		 ((word[3] & mask[3]) ^ block[3]));
}

/* Reads a packet of the VM at an interface and checks it. bytes: of the frame, all of it. */
static __always_inline enum reason guard(void *data, void *data_end, __u32 bytes, __u32 ifindex, const struct port *port,
					 const struct node *node, struct inner *inner)
{
	struct ethhdr *eth = data;
	enum reason reason;

	if ((void *)(eth + 1) > data_end)
		return DROP_MALFORMED;
	if (!same_mac(eth->h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!same_mac(eth->h_dest, port->own_mac))
		return PUNT_NOT_ROUTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		reason = read_inet(inner, (struct iphdr *)(eth + 1), data_end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		reason = read_inet6(inner, (struct ipv6hdr *)(eth + 1), data_end);
	else
		return PUNT_NOT_IP;
	if (reason != REASON_FORWARDED)
		return reason;
	if (inner->length > bytes - ETH_HLEN)
		return DROP_MALFORMED;
	if (!may_send(ifindex, inner))
		return DROP_SOURCE_ADDRESS;
	if (inner->family == FAMILY_INET6 && in_sid_block(&inner->dest, node))
		return DROP_SID_BLOCK;
	if (inner->hop_limit <= 1)
		return PUNT_HOP_LIMIT;
	return REASON_FORWARDED;
}

/* One hop less, and an Ethernet header for the next one. addresses: destination and source. */
static __always_inline bool rewrite(void *data, void *data_end, const struct inner *inner, const __u8 *addresses)
{
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return false;
	if (inner->family == FAMILY_INET) {
		step_inet((struct iphdr *)(eth + 1));
	} else {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end)
			return false;
		((struct ipv6hdr *)(eth + 1))->hop_limit--;
	}
	write_macs(eth, addresses);
	return true;
}

/* The way to a node that a flow takes; NULL while none is resolved. */
static __always_inline const struct hop *choose_hop(const struct underlay *underlay, const struct inner *inner)
{
	__u32 choice;

	if (!underlay || !underlay->count)
		return NULL;
	if (underlay->count == 1)
		return &underlay->hops[0];
	choice = (inner->hash >> 8) % underlay->count;
	/* The mask is for the verifier: compared instead, the address is computed first. */
	return &underlay->hops[choice & (MAX_HOPS - 1)];
}
