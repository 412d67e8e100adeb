/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways as hypervisors and network nodes know them: their network nodes, the encapsulations towards them, and the node of each flow. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

ARRAY(sg_maglev, BPF_MAP_TYPE_ARRAY, struct maglev, GATEWAYS);
ARRAY(sg_nn_state, BPF_MAP_TYPE_ARRAY, struct network_node, NETWORK_NODES);
HASH(sg_gw_encaps, struct gateway_encap_key, __u32, 65536);
HASH(sg_nn_src, struct in6_addr, __u32, NETWORK_NODES);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_FLOWS);
	__type(key, struct gw_flow_key);
	__type(value, struct gw_flow_affinity);
} sg_gw_affinity SEC(".maps");
