/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of gateway/: a packet and its key are too large for the stack. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"
#include "net/parse_flow.h"

struct gw_flow_buf {
	struct packet packet;
	struct gw_flow_key key;
};
ARRAY(sg_gw_flow_buf, BPF_MAP_TYPE_PERCPU_ARRAY, struct gw_flow_buf, 1);
