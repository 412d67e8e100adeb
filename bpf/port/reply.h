/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What answers have in common. None of them is on the way of a packet that is forwarded: they may load, store and look up again. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "maps/reply_scratch.h"
#include "net/csum.h"
#include "port/antispoof.h"

#define REPLY_HOP_LIMIT 64

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
