/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets that another network node may know the connection of: relayed to it. */
#pragma once
#include "gateway/maglev.h"
#include "srv6/encap.h"

/* Number of the network node that sent it, or NO_NETWORK_NODE. */
static __always_inline __u32 sender_of(void *data, void *data_end)
{
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	__u32 *node = (void *)(ip6 + 1) <= data_end ? bpf_map_lookup_elem(&node_sources, &ip6->saddr) : NULL;

	return node ? *node : NO_NETWORK_NODE;
}

/*
 * A packet is relayed twice at most, whatever network nodes think of each other: the outer hop limit that it is relayed with says how often it
 * was, as long as the underlay is less than sixteen hops across.
 */
#define RELAYS_MAX 2
#define RELAYED_HOP_LIMIT(relays) (OUTER_HOP_LIMIT >> (relays))

static __always_inline __u32 relays_of(__u8 hop_limit)
{
	if (hop_limit > RELAYED_HOP_LIMIT(1))
		return 0;
	return hop_limit > RELAYED_HOP_LIMIT(2) ? 1 : 2;
}

/* Places of a table that are looked at for another node: with two nodes all of so many are one's once in 2^32. */
#define RELAY_PLACES 32

/*
 * The network node that may know the connection of a packet that is unknown here: the one that the flow has by its hash, or the next ones in
 * the gateway's table, but neither this one nor the one that it came from. A function of its own: verified once.
 */
__noinline int find_relay_node(__u32 gateway, __u32 hash, __u32 self, __u32 sender)
{
	__u32 node = pick_node(gateway, hash, false), place;

	for (place = 0; place <= RELAY_PLACES; place++) {
		if (node != self && node != sender && is_up(node))
			return node;
		node = pick_node(gateway, hash % MAGLEV_SLOTS + place, true);
	}
	return NO_NETWORK_NODE;
}
