// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The benchmark's packet generator: in a BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES it writes the headers and
// redirects the frame into a device. Pages are initialized once and reused with the changes of the path (net/bpf/test_run.c,
// xdp_test_run_init_page), so the headers are written for every frame.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEAD_WORDS 8
#define MAX_BACKLOG_FRAMES 128
// The clock costs as much as the rest of the program: it is read for one frame in 64.
#define CLOCK_MASK 63

// Set before loading. The head is the first 64 bytes of flow 0's frames: Ethernet, IP, UDP.
const volatile __u64 head[HEAD_WORDS];
const volatile __u32 ifindex;
// A flow is a destination address and a source port. Flow i has a source port i below the first, and the i-th address behind the
// first. If the number of endpoints is not 0, the flow has one of these as destination, always the same one.
const volatile __u32 flows;
const volatile __u32 endpoints;
// Flows take turns, are drawn with equal probability, or follow `draws` (DRAWS numbers of flows by any distribution).
enum spread { SPREAD_SEQUENTIAL, SPREAD_UNIFORM, SPREAD_DRAWN };
const volatile __u32 spread;
const volatile __u32 destination_offset; // of the last four bytes of the destination address
const volatile __u32 source_port_offset;
const volatile __u32 ip_checksum_offset; // 0: IPv6 has none
const volatile __u32 udp_checksum_offset;
// Frames per nanosecond in 32.32 fixed point; 0: no limit. Frames above the rate are dropped here, which costs tens of
// nanoseconds of the generator's CPU only.
const volatile __u64 rate_q32;

struct generated {
	__u64 offered;
	// bpf_ktime_get_ns() of the first frame, and of the last one whose number is a multiple of CLOCK_MASK + 1.
	__u64 start_ns;
	__u64 last_ns;
	// Due frames that were given up after the generator was kept from the CPU: the requested rate was not reached.
	__u64 given_up;
};
struct generated generated;

#define DRAWS (1 << 20)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); // DRAWS where flows are drawn
	__type(key, __u32);
	__type(value, __u32);
} draws SEC(".maps");

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

// xorshift (Marsaglia 2003): bpf_get_prandom_u32() costs as much as the rest of the program.
static __always_inline __u32 next_flow(void)
{
	static __u64 state = 0x9e3779b97f4a7c15;

	if (spread == SPREAD_SEQUENTIAL) {
		// Not zero, which would put it in .bss with the counters, which user space reads and clears.
		static __u32 turn = ~0u;

		turn = turn + 1 < flows ? turn + 1 : 0;
		return turn;
	}
	if (spread == SPREAD_DRAWN) {
		__u32 at = generated.offered & (DRAWS - 1);
		__u32 *drawn = bpf_map_lookup_elem(&draws, &at);

		return drawn ? *drawn : 0;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((state & 0xffffffff) * flows) >> 32;
}

// RFC 1624: HC' = ~(~HC + ~m + m').
static __always_inline void adjust_checksum(__u16 *checksum, __u32 change)
{
	__u32 sum = (__u16)~bpf_ntohs(*checksum) + change;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (__u16)~sum;
	// A UDP checksum of 0 means that there is none; IPv4 accepts both forms of zero.
	*checksum = sum ? bpf_htons(sum) : 0xffff;
}

// The change of a sum of 16-bit words when one of them becomes another.
static __always_inline __u32 grown(__u16 from, __u16 to)
{
	return (__u16)~from + (__u32)to;
}

// Fibonacci hashing (Knuth 6.4): without a division.
static __always_inline __u32 endpoint_of(__u32 flow)
{
	return endpoints ? ((__u64)(flow * 0x9e3779b1) * endpoints) >> 32 : flow;
}

static __always_inline void readdress(void *data, __u32 flow)
{
	__u32 *destination = data + destination_offset;
	__u16 *port = data + source_port_offset;
	__u32 before = bpf_ntohl(*destination);
	__u32 after = before + endpoint_of(flow);
	__u16 old_port = bpf_ntohs(*port), new_port = old_port - flow;
	__u32 change = grown(before >> 16, after >> 16) + grown(before, after);

	*destination = bpf_htonl(after);
	*port = bpf_htons(new_port);
	if (ip_checksum_offset)
		adjust_checksum(data + ip_checksum_offset, change);
	adjust_checksum(data + udp_checksum_offset, change + grown(old_port, new_port));
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
	if (flows > 1)
		readdress(data, next_flow());
	if (!(generated.offered++ & CLOCK_MASK))
		generated.last_ns = bpf_ktime_get_ns();
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
