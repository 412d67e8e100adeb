/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP: the end of a frame that a program does not send. */
#pragma once
#include "ctx/xdp.h"
#include "metrics.h"
#include "trace/trace.h"

/* A frame that is not dropped here goes on to tcx, which counts it, and reports it to trace sessions. */
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
