/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of what is sent back: answers and ICMP errors. */
#pragma once
#include "maps/map_defs.h"

/* Where answers are put together: the stack is the forwarding program's, whose frame lies below. One CPU's own, within one packet. */
struct reply_space {
	__u64 part[32]; /* of a packet that is summed */
	__u64 frame[32];
	__u64 quote[12];
};

ARRAY(reply_spaces, BPF_MAP_TYPE_PERCPU_ARRAY, struct reply_space, 1);

static __always_inline struct reply_space *reply_space(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&reply_spaces, &zero);
}
