/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of what is sent back: answers and ICMP errors. */
#pragma once
#include "maps/map_defs.h"

/* Where answers are put together: the stack is the forwarding program's, whose frame lies below. One CPU's own, within one packet. */
struct reply_buf {
	__u64 part[32]; /* of a packet that is summed */
	__u64 frame[32];
	__u64 orig[12];
};

ARRAY(sg_reply_buf, BPF_MAP_TYPE_PERCPU_ARRAY, struct reply_buf, 1);

static __always_inline struct reply_buf *reply_buf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_reply_buf, &zero);
}
