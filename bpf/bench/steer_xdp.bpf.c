// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The program of a network node's uplink by itself: each run of a test run begins with the same frame, or with that of another flow. */
#include "../steer_xdp.bpf.c"

#define FRAME_BYTES 128
/* Source port of UDP over IPv4 behind the outer header. */
#define SOURCE_PORT (ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct iphdr))

struct frame {
	__u64 words[FRAME_BYTES / 8];
	__u64 flow;
};
ARRAY(frames, BPF_MAP_TYPE_ARRAY, struct frame, 1);

static __always_inline bool renew(struct xdp_md *ctx, bool other_flow)
{
	void *data = (void *)(long)ctx->data;
	__u64 *words = data;
	__u32 zero = 0, index;
	struct frame *frame = bpf_map_lookup_elem(&frames, &zero);

	if (!frame || data + FRAME_BYTES > (void *)(long)ctx->data_end)
		return false;
#pragma unroll
	for (index = 0; index < FRAME_BYTES / 8; index++)
		words[index] = frame->words[index];
	if (other_flow) {
		__u32 flow = frame->flow++;

		/* 16 bits of port, and 8 of the source address: its checksum is nobody's business here. */
		*(__u16 *)(data + SOURCE_PORT) = flow;
		*(__u8 *)(data + SOURCE_PORT - 5) = flow >> 16;
	}
	return true;
}

SEC("xdp.frags")
int renew_only(struct xdp_md *ctx)
{
	return renew(ctx, true) ? XDP_REDIRECT : XDP_ABORTED;
}

SEC("xdp.frags")
int one_flow(struct xdp_md *ctx)
{
	return renew(ctx, false) ? steer(ctx) : XDP_ABORTED;
}

SEC("xdp.frags")
int new_flows(struct xdp_md *ctx)
{
	return renew(ctx, true) ? steer(ctx) : XDP_ABORTED;
}
