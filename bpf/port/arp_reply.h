/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ARP (RFC 826): the gateway's MAC address for whatever else the tenant has, so that the VM sends it here. */
#pragma once
#include "port/reply.h"

#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
};

struct arp_frame {
	struct ethhdr eth;
	struct arp_packet arp;
};

static __always_inline __u32 word_of(const __u8 *bytes)
{
	const __u16 *half = (const __u16 *)bytes;

	return (__u32)half[1] << 16 | half[0];
}

/* Answers a request, or gives the reason back. A probe (sender 0.0.0.0, RFC 5227) is answered like any other: the VM's own address
 * is not among those that are. */
static __always_inline enum reason answer_arp(struct __sk_buff *skb, __u32 ifindex, const struct port *port, enum reason reason)
{
	struct inner asked = { .family = FAMILY_INET };
	struct arp_frame *frame = (struct arp_frame *)reply_space();
	const struct target *target;
	struct arp_packet *arp;

	if (!frame || bpf_skb_load_bytes(skb, 0, frame, sizeof(*frame)))
		return reason;
	arp = &frame->arp;
	if (arp->hardware != bpf_htons(ARP_ETHERNET) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->hardware_bytes != ETH_ALEN || arp->protocol_bytes != 4)
		return reason;
	asked.source.in6_u.u6_addr32[0] = word_of(arp->sender);
	asked.dest.in6_u.u6_addr32[0] = word_of(arp->target);
	if (!same_mac(arp->sender_mac, port->vm_mac))
		return DROP_NEIGHBOUR_SENDER;
	if (asked.source.in6_u.u6_addr32[0] && !may_send(ifindex, &asked))
		return DROP_NEIGHBOUR_SENDER;
	if (arp->operation != bpf_htons(ARP_REQUEST))
		return reason;
	target = find_target(port->tenant, &asked);
	if (!is_elsewhere(target, ifindex))
		return unanswered(target, reason);
	ethernet_back(&frame->eth, port, bpf_htons(ETH_P_ARP));
	arp->operation = bpf_htons(ARP_REPLY);
	__builtin_memcpy(arp->target_mac, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(arp->sender_mac, port->gateway_mac, ETH_ALEN);
	__builtin_memcpy(arp->target, &asked.source, 4);
	__builtin_memcpy(arp->sender, &asked.dest, 4);
	if (bpf_skb_store_bytes(skb, 0, frame, sizeof(*frame), BPF_F_RECOMPUTE_CSUM))
		return reason;
	return ANSWER_ARP;
}
