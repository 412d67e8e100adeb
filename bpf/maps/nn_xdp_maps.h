/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the XDP program of a network node's uplink alone uses. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"

MEMORY(passed_flows, struct passed_set, PASSED_SET_BITS);

/* uplink_programs[0]: the hypervisor's program of the uplink. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} uplink_programs SEC(".maps");
