// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tcx ingress of a tenant's interface in kernel mode: has the kernel accept frames for the gateway's former MAC address, leaves DHCP and service
 * requests to the programs that answer them, and answers neighbour solicitations for all addresses whose routes leave by another interface, as proxy
 * ARP does for IPv4. Linux's proxy NDP is no substitute: it has no entries for prefixes, and each of its entries costs a multicast group.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "abi/btf_export.h"
#include "ctx/pass.h"
#include "metrics.h"
#include "net/vlan.h"
#include "port/address_request.h"
#include "port/ndp_reply.h"

#define AF_INET6 10

BTF_EXPORT_ENUM(reason);

enum route_exit {
	EXIT_NONE, /* no route, an unreachable one, or the node's own address, for which the kernel answers */
	EXIT_SAME_PORT, /* by the ingress interface */
	EXIT_ELSEWHERE, /* by another interface, or by an encapsulation */
};

/* Where the kernel would send a packet of the VM to an address, in the VRF of the interface. */
static __noinline int route_exit(struct __sk_buff *skb, const struct in6_addr *address)
{
	struct bpf_fib_lookup lookup = { .family = AF_INET6, .ifindex = skb->ifindex };

	__builtin_memcpy(lookup.ipv6_dst, address, sizeof(lookup.ipv6_dst));
	switch (bpf_fib_lookup(skb, &lookup, sizeof(lookup), 0)) {
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return EXIT_ELSEWHERE;
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return lookup.ifindex == skb->ifindex ? EXIT_SAME_PORT : EXIT_ELSEWHERE;
	}
	return EXIT_NONE;
}

/* fe80::1, from which router advertisements come. */
static __always_inline bool is_router(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return word[0] == bpf_htonl(0xfe800000) && !(word[1] | word[2]) && word[3] == bpf_htonl(1);
}

/* Whether to answer a solicitation of the port's VM. An invalid one is left to the anti-spoofing rules of nftables, which count it. */
static __always_inline bool should_reply_solicitation(struct __sk_buff *skb, const struct port *port, struct nd_frame *frame, struct inner *asked)
{
	if (!parse_solicitation(skb, frame, asked) || !same_mac(frame->eth.h_source, port->vm_mac))
		return false;
	if (!solicitation_options_valid(skb, frame, port))
		return false;
	if (!is_unspecified(&asked->source) && !is_link_local(&asked->source) && route_exit(skb, &asked->source) != EXIT_SAME_PORT)
		return false;
	if (is_router(&asked->dest)) {
		__u32 ifindex = skb->ifindex;

		return bpf_map_lookup_elem(&sg_ra, &ifindex);
	}
	/* A link-local address, for which there is no route. */
	if (service_kind6(&asked->dest) == SERVICE_METADATA_LINK)
		return node_has_service(SERVICE_METADATA_LINK);
	return route_exit(skb, &asked->dest) == EXIT_ELSEWHERE;
}

SEC("tcx/ingress")
int segue_responder(struct __sk_buff *skb)
{
	struct inner asked = { .family = FAMILY_INET6 };
	__u32 ifindex = skb->ifindex;
	const struct port *port;
	struct nd_frame *frame;
	enum reason reason;
	int program;
	__u8 next;

	if (is_vlan_frame(skb)) {
		port = bpf_map_lookup_elem(&sg_ports, &ifindex);
		if (!port)
			return pass_host();
		reason = port->flags & PORT_VLANS ? PASS_VLAN : DROP_VLAN;
		count_verdict(reason);
		return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
	}
	if (skb->pkt_type == PACKET_OTHERHOST) {
		port = bpf_map_lookup_elem(&sg_ports, &ifindex);
		if (port)
			accept_former_mac(skb, port);
	}
	if (!remove_priority_tag(skb))
		return pass_host();
	program = address_request(skb, ifindex);
	if (program != TCX_NEXT) {
		bpf_tail_call(skb, &sg_replies, program - LEAVE_TO);
		return pass_host();
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return pass_host();
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &next, sizeof(next)) || next != IPPROTO_ICMPV6)
		return pass_host();
	port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	frame = (struct nd_frame *)reply_buf();
	if (!port || !frame || !should_reply_solicitation(skb, port, frame, &asked))
		return pass_host();
	reason = reply_advertisement(skb, port, frame, &asked, is_router(&asked.dest) ? NA_ROUTER : 0);
	count_verdict(reason);
	if (reason != ANSWER_NEIGHBOUR)
		return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
