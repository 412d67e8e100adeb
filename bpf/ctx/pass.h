/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: frames of the host's own. */
#pragma once
#include "ctx/skb.h"
#include "metrics.h"

/* The host's own traffic is counted, too: the counters of an interface's programs add up to the frames that came in by it. */
static __always_inline int pass_host(void)
{
	count_verdict(PASS_HOST);
	return TCX_NEXT;
}
