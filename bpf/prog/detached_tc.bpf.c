// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx of a port whose interface somebody put in a bridge, a bond or another master: drops everything. At ingress it replaces the port's program, and
 * runs before the master's receive handler; at egress it drops frames of the master to the VM.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "ctx/skb.h"
#include "abi/btf_export.h"
#include "metrics.h"
#include "trace/trace.h"

BTF_EXPORT_ENUM(reason);

SEC("tcx/ingress")
int segue_detached(struct __sk_buff *skb)
{
	count_verdict(DROP_DETACHED);
	/* Trace sessions receive frames of the VM. Frames to the VM came in by another interface. */
	if (skb->ingress_ifindex == skb->ifindex) {
		trace_capture(skb);
		trace_verdict(skb, DROP_DETACHED, 0, HOOK_PORT);
	}
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
