/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways as hypervisors and network nodes know them: which nodes they have, the ways there, and which node a flow has. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

ARRAY(maglevs, BPF_MAP_TYPE_ARRAY, struct maglev, GATEWAYS);
ARRAY(network_nodes, BPF_MAP_TYPE_ARRAY, struct network_node, NETWORK_NODES);
HASH(gateway_encaps, struct gateway_encap_key, __u32, 65536);
HASH(node_sources, struct in6_addr, __u32, NETWORK_NODES);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_NODES);
	__type(key, struct flow_node_key);
	__type(value, struct flow_node);
} flow_nodes SEC(".maps");
