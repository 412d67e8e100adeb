/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of answers and ICMP errors. */
#pragma once
#include "maps/map_defs.h"

/* Answers are built here, as the forwarding program's frame is also on the stack. Per CPU, used within one packet. */
struct reply_buf {
	__u64 part[32]; /* of a packet, to sum */
	__u64 frame[32];
	__u64 orig[12];
};

SCRATCH(sg_reply_buf, struct reply_buf);

static __always_inline struct reply_buf *reply_buf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_reply_buf, &zero);
}
