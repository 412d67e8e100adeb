/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A hypervisor's per-CPU cache of return paths (fib/gw_flow_cache.h). */
#pragma once
#include "abi/gateway_types.h"
#include "maps/map_defs.h"

PERCPU_CACHE(sg_rpath_cache, struct return_path_set, RETURN_PATH_CACHE_BITS);
