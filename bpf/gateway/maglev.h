/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Selects a flow's network node by consistent hashing (Eisenbud et al., "Maglev", NSDI 2016, section 3.4). Programs only look up; user space fills
 * the tables. */
#pragma once
#include "fib/flow_key.h"
#include "maps/gateway_maps.h"

static __always_inline bool network_node_is_up(__u32 node)
{
	struct network_node *state = bpf_map_lookup_elem(&sg_nn_state, &node);

	return state && state->is_up;
}

/* Number of a network node of the gateway, or NO_NETWORK_NODE. draining: network nodes that drain may be selected, too */
static __always_inline __u16 maglev_lookup(__u32 gateway, __u32 hash, bool draining)
{
	struct maglev *table = bpf_map_lookup_elem(&sg_maglev, &gateway);
	__u32 slot = hash % MAGLEV_SLOTS;

	/* The verifier does not track bounds through a remainder; without the barrier the compiler would omit the comparison. */
	barrier_var(slot);
	if (!table || slot >= MAGLEV_SLOTS)
		return NO_NETWORK_NODE;
	return draining ? table->all[slot] : table->active[slot];
}

/* Number of the encapsulation towards a network node's SID of a tenant; NULL: none. */
static __always_inline __u32 *gw_encap_lookup(__u32 tenant, __u32 node)
{
	struct gateway_encap_key key = { .tenant = tenant, .node = node };

	return bpf_map_lookup_elem(&sg_gw_encaps, &key);
}
