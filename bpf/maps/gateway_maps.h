/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Gateways, on hypervisors and network nodes: network nodes, the encapsulations towards them, and the network node of each flow. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

ARRAY(gateway, sg_maglev, struct maglev, GATEWAYS);
ARRAY(gateway, sg_nn_state, struct network_node, NETWORK_NODES);
HASH(gateway, sg_gw_encaps, struct gateway_encap_key, __u32, 65536);
HASH(gateway, sg_nn_src, struct in6_addr, __u32, NETWORK_NODES);
ARRAY(gateway, sg_gw_seeds, struct gw_seeds, 1);
/* BPF_F_MMAPABLE aligns the lines to cache lines. */
ARRAY_MMAP_RW(gateway, sg_gw_affinity, struct gw_flow_line, GW_FLOW_LINES);
PERCPU_ARRAY_RW(gateway, sg_gw_evicted, struct gw_evicted, 1);
ARRAY_RW(gateway, sg_gw_flow_keys, struct gw_flow_key, GW_FLOW_LINES *GW_FLOW_WAYS);
