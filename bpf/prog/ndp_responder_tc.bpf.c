// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx ingress of a tenant's interface in kernel mode: has the kernel take frames for the gateway's former MAC address, and answers neighbour
 * solicitations for whatever the kernel's routes lead elsewhere, as proxy ARP does for IPv4. No entry is made for a member: Linux's proxy NDP has none for a prefix, and what it has costs a multicast group each.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "abi/btf_export.h"
#include "ctx/pass.h"
#include "metrics.h"
#include "net/vlan.h"
#include "port/ndp_reply.h"

#define AF_INET6 10

KEEP_ENUM(reason);

enum way_out {
	NOWHERE,   /* no route, an unreachable one, or the node's own address, which the kernel answers for */
	BY_PORT,   /* by the interface that the packet came in by */
	ELSEWHERE, /* by another one, or by an encapsulation */
};

/* Where the kernel would send what the VM sends to an address: in the VRF that the interface is in. */
static __noinline int way_out(struct __sk_buff *skb, const struct in6_addr *address)
{
	struct bpf_fib_lookup lookup = { .family = AF_INET6, .ifindex = skb->ifindex };

	__builtin_memcpy(lookup.ipv6_dst, address, sizeof(lookup.ipv6_dst));
	switch (bpf_fib_lookup(skb, &lookup, sizeof(lookup), 0)) {
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return ELSEWHERE;
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return lookup.ifindex == skb->ifindex ? BY_PORT : ELSEWHERE;
	}
	return NOWHERE;
}

/* Is it a solicitation of the port's VM for what is elsewhere? What is not well sent is left to the kernel's guard, which counts it. */
static __always_inline bool is_to_be_answered(struct __sk_buff *skb, const struct port *port, struct nd_frame *frame, struct inner *asked)
{
	if (!read_solicitation(skb, frame, asked) || !same_mac(frame->eth.h_source, port->vm_mac))
		return false;
	if (!has_good_options(skb, frame, port))
		return false;
	if (!is_unspecified(&asked->source) && !is_link_local(&asked->source) && way_out(skb, &asked->source) != BY_PORT)
		return false;
	return way_out(skb, &asked->dest) == ELSEWHERE;
}

SEC("tcx/ingress")
int segue_responder(struct __sk_buff *skb)
{
	struct inner asked = { .family = FAMILY_INET6 };
	__u32 ifindex = skb->ifindex;
	const struct port *port;
	struct nd_frame *frame;
	enum reason reason;
	__u8 next;

	if (is_of_vlan(skb)) {
		port = bpf_map_lookup_elem(&ports, &ifindex);
		if (!port)
			return pass_host();
		reason = port->flags & PORT_VLANS ? PASS_VLAN : DROP_VLAN;
		count_reason(reason);
		return ends(reason) ? TC_ACT_SHOT : TCX_NEXT;
	}
	if (skb->pkt_type == PACKET_OTHERHOST) {
		port = bpf_map_lookup_elem(&ports, &ifindex);
		if (port)
			admit(skb, port);
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || !remove_priority_tag(skb))
		return pass_host();
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &next, sizeof(next)) || next != IPPROTO_ICMPV6)
		return pass_host();
	port = bpf_map_lookup_elem(&ports, &ifindex);
	frame = (struct nd_frame *)reply_space();
	if (!port || !frame || !is_to_be_answered(skb, port, frame, &asked))
		return pass_host();
	reason = advertise(skb, port, frame, &asked, 0);
	count_reason(reason);
	if (reason != ANSWER_NEIGHBOUR)
		return ends(reason) ? TC_ACT_SHOT : TCX_NEXT;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
