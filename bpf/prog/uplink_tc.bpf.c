// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of an uplink: decapsulates packets, super-packets too, and redirects them to the port. */
#include "uplink/tcx.h"
#include "uplink/pipeline.h"

SEC("tcx/ingress")
int segue_uplink_tc(struct __sk_buff *skb)
{
	return uplink_ingress(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
