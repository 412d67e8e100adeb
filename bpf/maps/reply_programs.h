/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sg_replies[enum reply_program]: programs that ports' programs leave requests to. Without one nothing is answered. */
#pragma once
#include "abi/dhcp_types.h"
#include "maps/map_defs.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, REPLY_PROGRAMS);
	__type(key, __u32);
	__type(value, __u32);
} sg_replies SEC(".maps");
