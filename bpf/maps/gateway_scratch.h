/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of gateway/: a packet and its key are too large for the stack. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"
#include "net/parse_flow.h"

struct flow_scratch {
	struct packet packet;
	struct flow_node_key key;
};
ARRAY(flow_scratches, BPF_MAP_TYPE_PERCPU_ARRAY, struct flow_scratch, 1);
