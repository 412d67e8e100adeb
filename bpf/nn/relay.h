/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Relays packets of unknown connections to another network node that may have them. */
#pragma once
#include "gateway/maglev.h"
#include "srv6/encap.h"

/* Number of the network node that sent a packet, by its outer source; else NO_NETWORK_NODE. */
static __always_inline __u32 sender_of(void *data, void *data_end)
{
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	__u32 *node = (void *)(ip6 + 1) <= data_end ? bpf_map_lookup_elem(&sg_nn_src, &ip6->saddr) : NULL;

	return node ? *node : NO_NETWORK_NODE;
}

/*
 * A packet is relayed twice at most, even if network nodes disagree about which of them are up: a relayed packet's outer hop limit encodes how
 * often it was relayed. This works as long as the underlay is less than sixteen hops across.
 */
#define RELAYS_MAX 2
#define RELAYED_HOP_LIMIT(relay_count) (OUTER_HOP_LIMIT >> (relay_count))

static __always_inline __u32 relays_of(__u8 hop_limit)
{
	if (hop_limit > RELAYED_HOP_LIMIT(1))
		return 0;
	return hop_limit > RELAYED_HOP_LIMIT(2) ? 1 : 2;
}

/* Slots of the Maglev table to search for another node. With two nodes the chance that one of them has all these slots is about 2^-32. */
#define RELAY_CANDIDATES 32

/*
 * The network node that may have the connection of a packet: the one that the flow's hash selects, or the next ones in the gateway's Maglev
 * table, but neither this node nor the sender. A global function: verified once.
 */
__noinline int select_relay_node(__u32 gateway, __u32 hash, __u32 self, __u32 sender)
{
	__u32 node = maglev_lookup(gateway, hash, false), candidate;

	for (candidate = 0; candidate <= RELAY_CANDIDATES; candidate++) {
		if (node != self && node != sender && network_node_is_up(node))
			return node;
		node = maglev_lookup(gateway, hash % MAGLEV_SLOTS + candidate, true);
	}
	return NO_NETWORK_NODE;
}
