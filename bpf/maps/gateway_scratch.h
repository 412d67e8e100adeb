/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of gateway/: a packet and its key are too large for the stack; flows that this CPU need not look up again. */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"
#include "net/parse_flow.h"

struct gw_flow_buf {
	struct packet packet;
	struct gw_flow_key key;
	__u32 index; /* of the key's line; also the key of other lookups */
	__u32 tag;
};
SCRATCH(sg_gw_flow_buf, struct gw_flow_buf);

#define LEARNT_BITS 11

/* Keyed hashes of flows, their network nodes and the time when they were learnt (gateway/return_path.h). */
PERCPU_ARRAY_RW(own, sg_gw_learnt, __u64, 1 << LEARNT_BITS);
