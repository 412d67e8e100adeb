/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways as hypervisors and network nodes know them: which nodes they have, and the ways there. */
#pragma once
#include "maps.h"
#include "steer_layouts.h"

#define GATEWAYS 64
#define NETWORK_NODES 1024

ARRAY(maglevs, BPF_MAP_TYPE_ARRAY, struct maglev, GATEWAYS);
ARRAY(network_nodes, BPF_MAP_TYPE_ARRAY, struct network_node, NETWORK_NODES);
HASH(gateway_encaps, struct gateway_encap_key, __u32, 65536);
HASH(node_sources, struct in6_addr, __u32, NETWORK_NODES);
