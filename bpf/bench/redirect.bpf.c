// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The benchmark's ceiling: the least an XDP program can do at a hop, new MAC addresses and out of another device. No
// lookup, no tunnel, nothing counted: what a data plane is measured against.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 ifindex;
// Destination, then source, as in the frame; the last 4 bytes are not used.
const volatile __u64 addresses[2];

// .frags: the underlay carries more than a page (drivers/net/veth.c, veth_xdp_set refuses the device otherwise).
SEC("xdp.frags")
int forward(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + sizeof(struct ethhdr) > end) return XDP_ABORTED;
  *(__u64 *)data = addresses[0];
  *(__u32 *)(data + sizeof(__u64)) = (__u32)addresses[1];
  return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
