/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Proxy ARP (RFC 826): replies with the gateway's MAC address for all other addresses of the tenant, so that their packets come here. */
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

/* Answers a request, or returns `reason`. A probe (sender 0.0.0.0, RFC 5227) is answered like any other request: for the VM's own address there is
 * no reply. */
static __always_inline enum reason reply_arp(struct __sk_buff *skb, __u32 ifindex, const struct port *port, enum reason reason)
{
	struct inner asked = { .family = FAMILY_INET };
	struct arp_frame *frame = (struct arp_frame *)reply_buf();
	const struct endpoint *endpoint;
	struct arp_packet *arp;

	if (!frame || bpf_skb_load_bytes(skb, 0, frame, sizeof(*frame)))
		return reason;
	arp = &frame->arp;
	if (arp->hardware != bpf_htons(ARP_ETHERNET) || arp->protocol != bpf_htons(ETH_P_IP) || arp->hardware_bytes != ETH_ALEN ||
	    arp->protocol_bytes != 4)
		return reason;
	asked.source.in6_u.u6_addr32[0] = word_of(arp->sender);
	asked.dest.in6_u.u6_addr32[0] = word_of(arp->target);
	if (!same_mac(arp->sender_mac, port->vm_mac))
		return DROP_NEIGHBOUR_SENDER;
	if (asked.source.in6_u.u6_addr32[0] && !src_allowed(ifindex, &asked))
		return DROP_NEIGHBOUR_SENDER;
	if (arp->operation != bpf_htons(ARP_REQUEST))
		return reason;
	endpoint = lookup_endpoint(port->tenant, &asked);
	if (!should_proxy_reply(endpoint, ifindex))
		return no_reply_reason(endpoint, reason);
	set_reply_eth(&frame->eth, port, bpf_htons(ETH_P_ARP));
	arp->operation = bpf_htons(ARP_REPLY);
	__builtin_memcpy(arp->target_mac, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(arp->sender_mac, port->gateway_mac, ETH_ALEN);
	__builtin_memcpy(arp->target, &asked.source, 4);
	__builtin_memcpy(arp->sender, &asked.dest, 4);
	if (bpf_skb_store_bytes(skb, 0, frame, sizeof(*frame), BPF_F_RECOMPUTE_CSUM))
		return reason;
	return ANSWER_ARP;
}
