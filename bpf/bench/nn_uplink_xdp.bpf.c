// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The program of a network node's uplink, unchanged. Each repetition of a test run begins with the next of many frames, each of another flow. */
#include "prog/nn_uplink_xdp.bpf.c"

#define FRAMES 4096
#define FRAME_WORDS 16
/* UDP over IPv4 behind the outer header. */
#define SOURCE_PORT (ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct iphdr))

struct frame {
	__u64 words[FRAME_WORDS];
};
ARRAY_RW(own, frames, struct frame, FRAMES);

struct tally {
	__u64 next;
	__u64 flooded;
	__u64 flood_refused;
	__u64 beside; /* packets of the connection beside the flood */
	__u64 beside_lost;
};
ARRAY_RW(own, tallies, struct tally, 1);

/* The first frame that is a template of the flood. Those before are the two directions of the connection beside it. */
#define FIRST_FLOODING 2
/* Packets of the flood between two packets of the connection. */
#define FLOOD_BURST 31

/* A bijection (the finalizer of MurmurHash3): consecutive numbers become numbers that look random, and none repeats. */
static __always_inline __u32 scatter(__u32 number)
{
	number ^= number >> 16;
	number *= 0x85ebca6b;
	number ^= number >> 13;
	number *= 0xc2b2ae35;
	return number ^ number >> 16;
}

static __always_inline bool copy_frame(void *data, void *data_end, __u32 index)
{
	struct frame *frame = bpf_map_lookup_elem(&frames, &index);
	__u64 *words = data;
	__u32 word;

	if (!frame || data + sizeof(*frame) > data_end)
		return false;
#pragma unroll
	for (word = 0; word < FRAME_WORDS; word++)
		words[word] = frame->words[word];
	return true;
}

static __always_inline struct tally *find_tally(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&tallies, &zero);
}

/* Writes the next frame. another_port: of a flow that is new */
static __always_inline bool renew(struct xdp_md *ctx, bool another_port)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct tally *tally = find_tally();

	if (!tally)
		return false;
	tally->next++;
	if (!copy_frame(data, data_end, tally->next % FRAMES))
		return false;
	if (another_port) {
		if (data + SOURCE_PORT + sizeof(__u16) > data_end)
			return false;
		*(__u16 *)(data + SOURCE_PORT) = scatter(tally->next);
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
	return renew(ctx, false) ? nn_uplink_ingress(ctx) : XDP_ABORTED;
}

SEC("xdp.frags")
int new_flows(struct xdp_md *ctx)
{
	return renew(ctx, true) ? nn_uplink_ingress(ctx) : XDP_ABORTED;
}

/*
 * A flood of connections of one tenant, a packet each: 16 bits of source port, 8 of source address and 8 of destination port make one number of 32
 * bits. In between, packets of both directions of another tenant's connection.
 */
SEC("xdp.frags")
int flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct tally *tally = find_tally();
	__u32 flow;
	int verdict;

	if (!tally)
		return XDP_ABORTED;
	if (tally->next++ % (FLOOD_BURST + 1) == 0) {
		if (!copy_frame(data, data_end, tally->beside & 1))
			return XDP_ABORTED;
		tally->beside++;
		verdict = nn_uplink_ingress(ctx);
		tally->beside_lost += verdict != XDP_REDIRECT;
		return verdict;
	}
	flow = scatter(tally->flooded++);
	if (!copy_frame(data, data_end, FIRST_FLOODING) || data + SOURCE_PORT + 2 * sizeof(__u16) > data_end)
		return XDP_ABORTED;
	*(__u16 *)(data + SOURCE_PORT) = flow;
	*(__u8 *)(data + SOURCE_PORT + 3) = flow >> 16;
	/* The last byte of the source address. Nothing here verifies the checksum. */
	*(__u8 *)(data + SOURCE_PORT - 5) = flow >> 24;
	verdict = nn_uplink_ingress(ctx);
	tally->flood_refused += verdict != XDP_REDIRECT;
	return verdict;
}
