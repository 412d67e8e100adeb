// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a tenant's interface, for ports where it pays (small frames from a tap): does the same as port_tc.bpf.c, frame by frame. */
#include "port/xdp.h"
#include "port/pipeline.h"

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	return port_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
