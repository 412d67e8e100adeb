/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What lookups found is remembered for the next packets: a hash lookup costs 25 to 35 ns, and a packet takes up to five. What is
 * remembered holds until a map changes, which is another epoch. A CPU reads and writes its own part alone, and programs run with
 * softirqs off: none is interrupted by another at its place. */
#pragma once
#include "inner.h"
#include "maps.h"

static __always_inline __u64 epoch_now(void)
{
	__u32 zero = 0;
	struct epoch *epoch = bpf_map_lookup_elem(&epochs, &zero);

	return epoch ? *(volatile __u64 *)&epoch->number : 0;
}

/* Where this CPU has what belongs to a key. */
static __always_inline __u32 memory_index(__u64 key, __u32 bits)
{
	return (bpf_get_smp_processor_id() << bits) | (__u32)(key * 0x9e3779b97f4a7c15ULL >> (64 - bits));
}

static __always_inline bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

static __always_inline void copy_address(struct in6_addr *to, const struct in6_addr *from)
{
	__u64 *x = (void *)to;
	const __u64 *y = (const void *)from;

	x[0] = y[0];
	x[1] = y[1];
}

/* The port of an interface, NULL: it is none. epoch, here and below: what it was before the first lookup for this packet. */
static __always_inline const struct port *find_port(__u32 ifindex, __u64 epoch)
{
	__u32 index = (bpf_get_smp_processor_id() << KNOWN_PORT_BITS) | (ifindex & ((1 << KNOWN_PORT_BITS) - 1));
	struct known_port *known = bpf_map_lookup_elem(&known_ports, &index);
	struct port *port;

	if (known && epoch && known->epoch == epoch && known->ifindex == ifindex)
		return &known->port;
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (port && known) {
		known->epoch = epoch;
		known->ifindex = ifindex;
		known->port = *port;
	}
	return port;
}

static __always_inline struct egress_set *egress_set(const struct inner *inner, __u32 ifindex)
{
	__u32 index = memory_index(inner->pair ^ ifindex, FLOW_SET_BITS);

	return bpf_map_lookup_elem(&egress_flows, &index);
}

/* The encapsulation that a VM's packet takes, by what was found for the last one between its addresses; 0: nothing is remembered. */
static __always_inline __u32 recall_egress(const struct inner *inner, __u32 ifindex, __u64 epoch)
{
	struct egress_set *set = egress_set(inner, ifindex);
	int i;

	if (!set || !epoch)
		return 0;
#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		const struct egress_flow *flow = &set->flows[i];

		if (flow->epoch == epoch && flow->ifindex == ifindex && flow->family == inner->family && !flow->ports &&
		    same_address(&flow->dest, &inner->dest) && same_address(&flow->source, &inner->source))
			return flow->encap;
	}
	return 0;
}

/* Where another is remembered: in the place of one that holds no more, or of any. */
static __always_inline struct egress_flow *egress_place(struct egress_set *set, __u32 hash, __u64 epoch)
{
	int i;

#pragma unroll
	for (i = 0; i < FLOWS_A_SET; i++) {
		if (set->flows[i].epoch != epoch)
			return &set->flows[i];
	}
	return &set->flows[hash & (FLOWS_A_SET - 1)];
}

static __always_inline void write_egress(struct egress_flow *flow, const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 encap)
{
	flow->epoch = epoch;
	copy_address(&flow->source, &inner->source);
	copy_address(&flow->dest, &inner->dest);
	flow->ifindex = ifindex;
	flow->family = inner->family;
	flow->encap = encap;
	flow->ports = 0;
}

static __always_inline void remember_egress(const struct inner *inner, __u32 ifindex, __u64 epoch, __u32 encap)
{
	struct egress_set *set = egress_set(inner, ifindex);

	if (set && epoch)
		write_egress(egress_place(set, inner->hash, epoch), inner, ifindex, epoch, encap);
}
