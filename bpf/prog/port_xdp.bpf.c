// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP of a tenant's interface, where it pays (small frames from a tap): the same as port_tc.bpf.c, a frame at a time. */
#include "port/xdp.h"
#include "port/pipeline.h"

SEC("xdp.frags")
int segue_port_xdp(struct xdp_md *ctx)
{
	return port_ingress(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
