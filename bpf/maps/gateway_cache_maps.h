/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a hypervisor's CPUs remember of flows that network nodes brought (fib/gw_flow_cache.h). */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

MEMORY(followed_flows, struct followed_set, FOLLOWED_SET_BITS);
