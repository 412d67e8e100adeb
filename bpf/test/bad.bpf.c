// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs that the verifier refuses: tests check how this is reported. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Reads the Ethernet type without a bounds check. */
SEC("xdp")
int xdp_out_of_bounds(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return *(__u16 *)(data + 12) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
