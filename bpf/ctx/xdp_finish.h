/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP: the end of what a program does not send on. */
#pragma once
#include "ctx/xdp.h"
#include "metrics.h"
#include "trace/trace.h"

/* What is not dropped here meets tcx next, which counts it, or says what it is. */
static __always_inline int xdp_finish(struct xdp_md *ctx, enum reason reason, enum hook hook)
{
	if (reason < DROP_MALFORMED) {
		trace_forget();
		return XDP_PASS;
	}
	count_verdict(reason);
	trace_verdict(ctx, reason, 0, hook);
	return XDP_DROP;
}
