// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx of a port whose interface somebody put in a bridge, a bond or another master: nothing passes. At ingress it takes the place of the port's
 * program, and runs before the master's receive handler; at egress it drops what the master sends to the VM.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "ctx/skb.h"
#include "abi/btf_export.h"
#include "metrics.h"
#include "trace/trace.h"

KEEP_ENUM(reason);

SEC("tcx/ingress")
int segue_detached(struct __sk_buff *skb)
{
	count_reason(DROP_DETACHED);
	/* Trace sessions receive what the VM sent. What goes out came in elsewhere. */
	if (skb->ingress_ifindex == skb->ifindex) {
		keep(skb);
		seen(skb, DROP_DETACHED, 0, HOOK_PORT);
	}
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
