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

#define LEARNT_BITS 7

/* An arrived flow whose network node this CPU has written to sg_gw_affinity (gateway/return_path.h). One cache line. */
struct learnt_flow {
	__u64 stamp; /* of time, generations, family and protocol */
	struct in6_addr source;
	struct in6_addr dest;
	struct in6_addr outer_source;
	__u32 ports;
	__u32 tenant;
};

PERCPU_ARRAY_RW(own, sg_gw_learnt, struct learnt_flow, 1 << LEARNT_BITS);
