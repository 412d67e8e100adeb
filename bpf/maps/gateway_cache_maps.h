/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a hypervisor's CPUs remember of flows that network nodes brought (fib/gw_flow_cache.h). */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

PERCPU_CACHE(sg_rpath_cache, struct return_path_set, RETURN_PATH_CACHE_BITS);
