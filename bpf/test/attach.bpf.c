// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs for hooks besides those of interfaces, and variables in every section: for the tests of src/libbpf. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 step = 1;
__u64 runs;
__u32 preset = 7;
__s16 deltas[3] = { -1, 0, 1 };
struct pair {
	__u32 first;
	__u64 second;
} last = { 1, 2 };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct pair);
} pairs SEC(".maps");

SEC("raw_tp/sys_enter")
int on_syscall(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&runs, step);
	last.first = (__u32)ctx->args[1];
	return 0;
}

struct request {
	__u64 in;
	__u64 out;
};

SEC("syscall")
int answer(struct request *request)
{
	request->out = request->in * 2 + preset + deltas[0];
	return 0;
}

SEC("cgroup_skb/egress")
int cgroup_egress(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, step);
	return 1;
}

SEC("cgroup/connect4")
int cgroup_connect(struct bpf_sock_addr *ctx)
{
	return 0; /* EPERM */
}

SEC("sk_lookup")
int lookup_socket(struct bpf_sk_lookup *ctx)
{
	__sync_fetch_and_add(&runs, step);
	return SK_PASS;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	__u32 key = 0;

	bpf_map_lookup_elem(&pairs, &key);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
