/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps that only the XDP program of a network node's uplink uses. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"

PERCPU_CACHE(nn, sg_nn_cache, struct nn_flow_set, NN_FLOW_CACHE_BITS);

/* sg_uplink_prog[0]: the hypervisor's XDP program of the uplink. */
PROG_ARRAY(nn, sg_uplink_prog, 1);
