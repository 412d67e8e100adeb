/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What answers have in common. None of them is on the way of a packet that is forwarded: they may load, store and look up again. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "guard.h"

#define REPLY_HOP_LIMIT 64

/* Where answers are put together: the stack is the forwarding program's, whose frame lies below. One CPU's own, within one packet. */
struct reply_space {
	__u64 part[32]; /* of a packet that is summed */
	__u64 frame[32];
	__u64 quote[12];
};

ARRAY(reply_spaces, BPF_MAP_TYPE_PERCPU_ARRAY, struct reply_space, 1);

static __always_inline struct reply_space *reply_space(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&reply_spaces, &zero);
}

static __always_inline bool is_answer(__u32 reason)
{
	return reason > REASON_FORWARDED && reason < PUNT_NOT_IP;
}

/* Is it what the node answers for at an interface: a gateway, or a member other than the VM itself? */
static __always_inline bool is_elsewhere(const struct target *target, __u32 ifindex)
{
	if (!target)
		return false;
	if (target->kind == TARGET_LOCAL)
		return target->id != ifindex;
	return target->kind == TARGET_REMOTE || target->kind == TARGET_GATEWAY;
}

/* Why a request for an address is not answered: nobody of the tenant's has it, as with a packet for it; else the reason that there was. */
static __always_inline enum reason unanswered(const struct target *target, enum reason reason)
{
	return !target || target->kind == TARGET_ABSENT ? PUNT_NO_MEMBER : reason;
}

struct icmp_head {
	__u8 type;
	__u8 code;
	__be16 checksum;
};

/* The Internet checksum (RFC 1071) of a sum of 16-bit words. */
static __always_inline __u16 fold_sum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Sum of an array of bytes; a multiple of four, 512 at most. */
static __always_inline __u64 sum_of(void *bytes, __u32 length)
{
	return (__u32)bpf_csum_diff(0, 0, bytes, length, 0);
}

/*
 * The kernel takes what is for the interface's own address, which is the gateway's. A frame for the former one is made as good: the kernel looks
 * at the type alone, which the device gave it.
 */
static __always_inline void admit(struct __sk_buff *skb, const struct port *port)
{
	__u8 dest[ETH_ALEN] __attribute__((aligned(2)));

	if (skb->pkt_type != PACKET_OTHERHOST || bpf_skb_load_bytes(skb, 0, dest, sizeof(dest)))
		return;
	if (is_gateway_mac(dest, port))
		bpf_skb_change_type(skb, PACKET_HOST);
}

/* The Ethernet header of what is sent back to the VM. */
static __always_inline void ethernet_back(struct ethhdr *eth, const struct port *port, __be16 protocol)
{
	__builtin_memcpy(eth->h_dest, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->gateway_mac, ETH_ALEN);
	eth->h_proto = protocol;
}
