/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx of an uplink: super-packets, and frames that XDP has decapsulated. These steps of uplink/pipeline.h differ from XDP. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include "ctx/skb.h"
#include "ctx/pass.h"
#include "fib/port_cache.h"
#include "icmp/uplink_error.h"
#include "net/vlan.h"
#include "srv6/decap.h"

#define UPLINK_HOOK HOOK_UPLINK

/* Bytes to linearize: Ethernet, outer IPv6, the longest SRH that is read, inner IPv6, TCP. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + MAX_SRH_BYTES_READ + 20)

static __always_inline int uplink_pass(struct __sk_buff *skb)
{
	return pass_host();
}

/* The interface of the port, of a frame that XDP has decapsulated; else 0. */
static __always_inline __u32 decap_meta_ifindex(struct __sk_buff *skb)
{
	struct decap_meta *meta = (void *)(long)skb->data_meta;

	if ((void *)(meta + 1) > (void *)(long)skb->data || meta->magic != DECAP_META_MAGIC)
		return 0;
	return meta->ifindex;
}

/* Redirects a frame that uplink_xdp has decapsulated, and has reported to trace sessions. */
static __always_inline int redirect_decapsulated(struct __sk_buff *skb, __u32 ifindex)
{
	const struct port *port = lookup_port(ifindex, cache_generation_now());

	/* The port was removed meanwhile. */
	if (!port) {
		count_verdict(DROP_NO_MEMBER);
		return TC_ACT_SHOT;
	}
	/* The NIC had moved the tag to metadata, so XDP decapsulated a frame of a VLAN, which its device cannot take any more. */
	if (is_vlan_frame(skb) || !remove_priority_tag(skb)) {
		count_verdict(DROP_VLAN);
		return TC_ACT_SHOT;
	}
	count_verdict(REASON_FORWARDED);
	count_rx(port->slot, frame_packets(skb), skb->len - ETH_HLEN);
	/* The frame is PACKET_OTHERHOST, as its destination is not the uplink's MAC address (eth_type_trans). */
	if (port->flags & PORT_REDIRECT_PEER)
		bpf_skb_change_type(skb, PACKET_HOST);
	return redirect_to_port(ifindex, port->flags);
}

/* Whether the frame is to be parsed; if not, sets `verdict`. */
static __always_inline bool uplink_accept(struct __sk_buff *skb, enum arrival_path *arrival_path, int *verdict)
{
	__u32 ifindex = decap_meta_ifindex(skb);

	*arrival_path = FROM_WIRE_TC;
	if (ifindex) {
		*verdict = redirect_decapsulated(skb, ifindex);
		return false;
	}
	if (is_vlan_frame(skb)) {
		*verdict = uplink_exception(skb, PASS_VLAN);
		return false;
	}
	if (skb->mark == MARK_LOOPBACK) {
		skb->mark = 0;
		*arrival_path = FROM_LOOPBACK;
	}
	/* Frames to another MAC address than the uplink's, or to a group's, are not decapsulated. */
	if (skb->protocol == bpf_htons(ETH_P_IPV6) && skb->pkt_type == PACKET_HOST && frame_linearize(skb, PULL_BYTES))
		return true;
	*verdict = pass_host();
	return false;
}

/* Removes a priority tag, which the packet would otherwise keep. */
static __always_inline bool uplink_untag(struct __sk_buff *skb)
{
	return remove_priority_tag(skb);
}

/* Whether the port can take a super-packet. */
static __always_inline bool uplink_may_segment(const struct port *port)
{
	return port->flags & PORT_TUNNEL_SEGMENTATION || no_kernel_fallback;
}

static __always_inline bool uplink_to_stack(const struct decap_ctx *decap)
{
	return false;
}

static __always_inline bool uplink_reserve_meta(struct __sk_buff *skb)
{
	return true;
}

static __always_inline bool uplink_write_meta(struct __sk_buff *skb, __u32 ifindex)
{
	return true;
}

static __always_inline int uplink_redirect(__u32 ifindex, __u32 flags)
{
	return redirect_to_port(ifindex, flags);
}
