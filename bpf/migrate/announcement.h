/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Frames of a VM at a port that migrates. At the destination nothing passes until the VM announces itself: by RARP, which QEMU sends for it (60
 * bytes, broadcast, five times within 0.8 s), by gratuitous ARP or an unsolicited neighbour advertisement, or by any packet of its own, if the guest
 * is faster than QEMU.
 */
#pragma once
#include "ctx/skb.h"
#include "fib/nexthop.h"
#include "migrate/notice.h"
#include "net/parse.h"
#include "port/antispoof.h"
#include "port/arp_reply.h"
#include "port/ndp_reply.h"
#include "port/reply.h"
#include "srv6/encap.h"

#define RARP_REVERSE_REQUEST 3
/* The smallest Ethernet frame without its checksum; a notice has 54 bytes. */
#define NOTICE_FRAME_BYTES 60

enum announcement {
	NOT_ANNOUNCED,
	SENDS, /* an announcement by a packet of the VM's own, which is to be forwarded */
	ANNOUNCES, /* an announcement only */
};

static __always_inline enum announcement arp_announcement(struct __sk_buff *skb, __u32 ifindex, const struct port *port, bool reverse)
{
	struct inner sender = { .family = FAMILY_INET };
	struct arp_frame frame;

	if (bpf_skb_load_bytes(skb, 0, &frame, sizeof(frame)) || !same_mac(frame.arp.sender_mac, port->vm_mac))
		return NOT_ANNOUNCED;
	if (reverse)
		return frame.arp.operation == bpf_htons(RARP_REVERSE_REQUEST) ? ANNOUNCES : NOT_ANNOUNCED;
	sender.source.in6_u.u6_addr32[0] = word_of(frame.arp.sender);
	if (!src_allowed(ifindex, &sender))
		return NOT_ANNOUNCED;
	return word_of(frame.arp.sender) == word_of(frame.arp.target) ? ANNOUNCES : SENDS;
}

static __always_inline enum announcement ip6_announcement(struct __sk_buff *skb, __u32 ifindex)
{
	struct inner sender = { .family = FAMILY_INET6 };
	struct nd_message nd;
	struct ipv6hdr ip6;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
		return NOT_ANNOUNCED;
	if (ip6.nexthdr == IPPROTO_ICMPV6 && !bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip6), &nd, sizeof(nd)) &&
	    nd.type == ICMP6_NEIGHBOUR_ADVERTISEMENT && !nd.code && ip6.hop_limit == ND_HOP_LIMIT && !(nd.flags & NA_SOLICITED)) {
		copy_address(&sender.source, &nd.target);
		return src_allowed(ifindex, &sender) ? ANNOUNCES : NOT_ANNOUNCED;
	}
	copy_address(&sender.source, &ip6.saddr);
	return src_allowed(ifindex, &sender) ? SENDS : NOT_ANNOUNCED;
}

static __always_inline enum announcement ip4_announcement(struct __sk_buff *skb, __u32 ifindex)
{
	struct inner sender = { .family = FAMILY_INET };
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return NOT_ANNOUNCED;
	sender.source.in6_u.u6_addr32[0] = ip.saddr;
	return src_allowed(ifindex, &sender) ? SENDS : NOT_ANNOUNCED;
}

static __always_inline enum announcement announcement_of(struct __sk_buff *skb, __u32 ifindex, const struct port *port)
{
	struct ethhdr eth;

	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) || !same_mac(eth.h_source, port->vm_mac))
		return NOT_ANNOUNCED;
	if (eth.h_proto == bpf_htons(ETH_P_RARP) || eth.h_proto == bpf_htons(ETH_P_ARP))
		return arp_announcement(skb, ifindex, port, eth.h_proto == bpf_htons(ETH_P_RARP));
	if (eth.h_proto == bpf_htons(ETH_P_IPV6))
		return ip6_announcement(skb, ifindex);
	return eth.h_proto == bpf_htons(ETH_P_IP) ? ip4_announcement(skb, ifindex) : NOT_ANNOUNCED;
}

/*
 * Whether a frame of the VM is processed further. DROP_MIGRATED: the frame is an announcement, and becomes a notice to the node that the VM comes
 * from. A function of its own, so that its variables are not on the caller's stack.
 */
__noinline int migration_accept(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	struct migration *migration = bpf_map_lookup_elem(&sg_migrations, &ifindex);
	enum announcement announcement;

	if (!port)
		return PUNT_NO_PORT;
	if (port->flags & PORT_STANDBY && migration && migration->announced) {
		announcement = announcement_of(skb, ifindex, port);
		if (announcement != NOT_ANNOUNCED)
			migration->activated = 1;
		if (announcement == ANNOUNCES)
			return DROP_MIGRATED;
	}
	return is_away(migration, port->flags) ? DROP_STANDBY : REASON_FORWARDED;
}

/* Turns an announcement into the notice to the node that the VM comes from. DROP_MIGRATED: `to` is the egress interface. */
static __noinline enum reason write_notice(struct __sk_buff *skb, __u32 *to)
{
	__u32 ifindex = skb->ifindex, zero = 0, id;
	const struct migration *migration = bpf_map_lookup_elem(&sg_migrations, &ifindex);
	const struct node *node = bpf_map_lookup_elem(&sg_node, &zero);
	struct ethhdr eth __attribute__((aligned(8))) = { .h_proto = bpf_htons(ETH_P_IPV6) };
	struct ipv6hdr ip6 __attribute__((aligned(8))) = { .version = 6, .nexthdr = NEXT_HEADER_NONE, .hop_limit = OUTER_HOP_LIMIT };
	const struct nexthop *hop;
	const struct encap *encap;

	*to = 0;
	if (!migration || !node)
		return DROP_STANDBY;
	id = migration->notice_encap;
	encap = bpf_map_lookup_elem(&sg_encaps, &id);
	hop = encap ? encap_nexthop_of(encap, 0) : NULL;
	if (!hop)
		return DROP_UNRESOLVED;
	write_macs(&eth, hop->dest_mac);
	copy_address(&ip6.saddr, &node->source);
	copy_address(&ip6.daddr, &encap->first);
	if (bpf_skb_change_tail(skb, NOTICE_FRAME_BYTES, 0) || bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6), 0))
		return DROP_NO_ROOM;
	*to = hop->ifindex;
	return DROP_MIGRATED;
}
