/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Replies of the node to a VM. Forwarded packets do not take this path, so these functions may copy bytes and repeat lookups. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "maps/reply_scratch.h"
#include "net/csum.h"
#include "port/antispoof.h"

#define REPLY_HOP_LIMIT 64

static __always_inline bool is_reply_reason(__u32 reason)
{
	return reason > REASON_FORWARDED && reason < PUNT_NOT_IP;
}

/* Whether the node replies for an endpoint at an interface: for the gateway, and for endpoints other than the VM itself. */
static __always_inline bool should_proxy_reply(const struct endpoint *endpoint, __u32 ifindex)
{
	if (!endpoint)
		return false;
	if (endpoint->type == EP_LOCAL)
		return endpoint->id != ifindex;
	return endpoint->type == EP_REMOTE || endpoint->type == EP_GATEWAY;
}

/* Why a request for an address is not answered: no endpoint has the address, as for a packet to it; else `reason`. */
static __always_inline enum reason no_reply_reason(const struct endpoint *endpoint, enum reason reason)
{
	return !endpoint || endpoint->type == EP_BLACKHOLE ? PUNT_NO_MEMBER : reason;
}

/*
 * Has the kernel accept a frame for the gateway's former MAC address. The interface has the present one, so the device marked the frame
 * PACKET_OTHERHOST, and the kernel drops it by that type alone (ip_rcv_core).
 */
static __always_inline void accept_former_mac(struct __sk_buff *skb, const struct port *port)
{
	__u8 dest[ETH_ALEN] __attribute__((aligned(2)));

	if (skb->pkt_type != PACKET_OTHERHOST || bpf_skb_load_bytes(skb, 0, dest, sizeof(dest)))
		return;
	if (is_gateway_mac(dest, port))
		bpf_skb_change_type(skb, PACKET_HOST);
}

/* Writes the Ethernet header of a reply to the VM. */
static __always_inline void set_reply_eth(struct ethhdr *eth, const struct port *port, __be16 protocol)
{
	__builtin_memcpy(eth->h_dest, port->vm_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->gateway_mac, ETH_ALEN);
	eth->h_proto = protocol;
}
