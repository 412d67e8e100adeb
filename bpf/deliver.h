/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: hands a packet to a port of this node. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include "layouts.h"

/*
 * Where the port's other end is in a namespace of this machine, the packet goes on there at once: the way through the device and its
 * queue, and a softirq of its own for that, cost more than all of decapsulation.
 */
static __always_inline int deliver(__u32 ifindex, __u32 flags)
{
	return flags & PORT_PEER ? bpf_redirect_peer(ifindex, 0) : bpf_redirect(ifindex, 0);
}
