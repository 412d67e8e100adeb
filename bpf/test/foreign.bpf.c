// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs of another owner on the hooks that segue uses: they count packets and pass them on. For tests only. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TCX_NEXT (-1)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static __always_inline void see(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&seen, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("tcx/ingress")
int foreign_tcx(struct __sk_buff *skb)
{
	see();
	return TCX_NEXT;
}

SEC("xdp")
int foreign_xdp(struct xdp_md *ctx)
{
	see();
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
