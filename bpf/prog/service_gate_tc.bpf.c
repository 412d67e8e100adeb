// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx egress of the node's end of the services' veth: passes only packets of ports' programs. Otherwise a container, an interface or a process of the
 * host, or a neighbour of the underlay could send requests in the name of a VM.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "metrics.h"

SEC("tcx/egress")
int segue_svc_gate(struct __sk_buff *skb)
{
	if (skb->mark != MARK_SERVICE) {
		count_verdict(DROP_DOMAIN_ADDRESS);
		return TC_ACT_SHOT;
	}
	skb->mark = 0;
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
