/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: what a program hands to the next one, and in the end to the kernel. */
#pragma once
#include "stats.h"

#define TCX_NEXT (-1)

/* The host's own traffic is counted, too: the counters of an interface's programs add up to the frames that came in by it. */
static __always_inline int pass_host(void)
{
	count_reason(PASS_HOST);
	return TCX_NEXT;
}
