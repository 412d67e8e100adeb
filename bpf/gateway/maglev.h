/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which network node of a gateway a flow has: consistent hashing (Eisenbud et al., "Maglev", NSDI 2016, section 3.4). Programs only look
 * up; user space fills the tables. */
#pragma once
#include "fib/flow_key.h"
#include "maps/gateway_maps.h"

static __always_inline bool is_up(__u32 node)
{
	struct network_node *state = bpf_map_lookup_elem(&network_nodes, &node);

	return state && state->is_up;
}

/* Number of the network node, NO_NETWORK_NODE if there is none. draining: those that drain count too. */
static __always_inline __u16 pick_node(__u32 gateway, __u32 hash, bool draining)
{
	struct maglev *table = bpf_map_lookup_elem(&maglevs, &gateway);
	__u32 place = hash % MAGLEV_SLOTS;

	/* The verifier does not know what a remainder is, and the compiler would leave the comparison out. */
	barrier_var(place);
	if (!table || place >= MAGLEV_SLOTS)
		return NO_NETWORK_NODE;
	return draining ? table->all[place] : table->active[place];
}

/* Number of the encapsulation towards a network node's SID of a tenant; NULL: none. */
static __always_inline __u32 *find_gateway_encap(__u32 tenant, __u32 node)
{
	struct gateway_encap_key key = { .tenant = tenant, .node = node };

	return bpf_map_lookup_elem(&gateway_encaps, &key);
}
