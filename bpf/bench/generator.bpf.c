// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The benchmark's packet generator: run by BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES it writes the headers and
// redirects the frame into a device. Live frames come back with whatever the path wrote into them (net/bpf/test_run.c,
// xdp_test_run_init_page runs once a page), so the headers are written for every frame.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEAD_WORDS 8
#define MAX_BACKLOG_FRAMES 128
// The clock costs as much as the rest of the program: it is read for one frame in 64.
#define CLOCK_MASK 63

// Set before loading. The head is the frame's first 64 bytes as flow 0 has them: Ethernet, IP, UDP.
const volatile __u64 head[HEAD_WORDS];
const volatile __u32 ifindex;
// A power of two less one: flow i has destination + i and source port - i (of the low 16 bits), so that the UDP checksum,
// which covers both, stays what it is. IPv4's covers the address alone.
const volatile __u32 flow_mask;
const volatile __u32 destination_offset;
const volatile __u32 source_port_offset;
const volatile __u32 ip_checksum_offset; // 0: IPv6 has none
// Frames a nanosecond in 32.32 fixed point; 0: as fast as it goes. Above the rate a frame is dropped, which costs the
// generator's CPU tens of nanoseconds and nobody else.
const volatile __u64 rate_q32;

struct generated {
	__u64 offered;
	// bpf_ktime_get_ns() of the first frame, and of the last of which the number ends in CLOCK_MASK's zeros.
	__u64 start_ns;
	__u64 last_ns;
	// Due frames given up after the generator had been kept from the CPU: the rate asked for was not reached.
	__u64 given_up;
};
struct generated generated;

static __always_inline int is_due(void)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 due = ((now - generated.start_ns) * rate_q32) >> 32;
	__u64 done = generated.offered + generated.given_up;
	if (due <= done)
		return 0;
	if (due - done > MAX_BACKLOG_FRAMES)
		generated.given_up += due - done - MAX_BACKLOG_FRAMES;
	return 1;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (data + HEAD_WORDS * sizeof(__u64) > end)
		return XDP_ABORTED;
	if (!generated.start_ns)
		generated.start_ns = bpf_ktime_get_ns();
	if (rate_q32 && !is_due())
		return XDP_DROP;
	__u64 *to = data;
#pragma unroll
	for (int i = 0; i < HEAD_WORDS; i++)
		to[i] = head[i];
	if (flow_mask) {
		__u16 flow = generated.offered & flow_mask;
		__u16 *destination = data + destination_offset, *port = data + source_port_offset;
		*destination = bpf_htons(bpf_ntohs(*destination) + flow);
		*port = bpf_htons(bpf_ntohs(*port) - flow);
		if (ip_checksum_offset) {
			__u16 *checksum = data + ip_checksum_offset;
			// RFC 1624: HC' = ~(~HC + flow), the address having grown by flow.
			__u32 sum = (__u16)~bpf_ntohs(*checksum) + flow;
			*checksum = bpf_htons((__u16) ~((sum & 0xffff) + (sum >> 16)));
		}
	}
	if (!(generated.offered++ & CLOCK_MASK))
		generated.last_ns = bpf_ktime_get_ns();
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
