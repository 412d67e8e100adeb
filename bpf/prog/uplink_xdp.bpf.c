// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of an uplink: decapsulates packets for a SID of this node, and redirects them to the port or passes them to GRO. */
#include "uplink/xdp.h"
#include "uplink/pipeline.h"

SEC("xdp.frags")
int segue_uplink_xdp(struct xdp_md *ctx)
{
	return uplink_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
