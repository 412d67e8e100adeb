/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: how a frame is read, resized and sent. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include "abi/types.h"

/* The verdict of a program that leaves a packet to the next one, and in the end to the kernel. */
#define TCX_NEXT (-1)

/* Added in Linux 6.3; missing from Debian 12's 6.1 headers. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

#define CTX __sk_buff
#define LOAD_BYTES bpf_skb_load_bytes
#define ON_XDP false
#define CTX_NEXT TCX_NEXT
#define CTX_DROP TC_ACT_SHOT

/*
 * Bytes of a synthetic frame of `segue trace`: its headers may claim more than the some 3.5 kB that BPF_PROG_TEST_RUN takes. Set before loading; 0
 * in attached programs, where it costs no instruction.
 */
const volatile __u32 trace_frame_len = 0;

static __always_inline __u32 frame_ifindex(const struct __sk_buff *skb)
{
	return skb->ifindex;
}

static __always_inline __u32 frame_bytes(const struct __sk_buff *skb)
{
	return skb->len;
}

/* claimed: the packet's length by its header, bytes */
static __always_inline __u32 frame_packet_bytes(const struct __sk_buff *skb, __u32 claimed)
{
	return (trace_frame_len ? trace_frame_len : skb->len) - ETH_HLEN;
}

static __always_inline __u32 frame_vlan(const struct __sk_buff *skb)
{
	return skb->vlan_present ? skb->vlan_tci : 0;
}

static __always_inline __u32 frame_segments(const struct __sk_buff *skb)
{
	return skb->gso_segs;
}

/* The packets that a super-packet is segmented into; else 1. */
static __always_inline __u32 frame_packets(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

/* Bytes of payload of each segment of a super-packet, else 0. */
static __always_inline __u32 frame_segment_bytes(const struct __sk_buff *skb)
{
	return skb->gso_size;
}

/* Makes the frame's first bytes linear, or all of a shorter frame. Returns false if memory is short. */
static __always_inline bool frame_linearize(struct __sk_buff *skb, __u32 bytes)
{
	__u32 there = (void *)(long)skb->data_end - (void *)(long)skb->data;

	return there >= bytes || skb->len <= there || !bpf_skb_pull_data(skb, skb->len < bytes ? skb->len : bytes);
}

/* Whether an interface can send the frame. takes_xdp: it accepts frames from XDP, too */
static __always_inline bool ctx_may_transmit(bool takes_xdp)
{
	return true;
}

/* FIXED_GSO keeps the size of segments. Returns false if the kernel refuses; the packet is unaltered then. */
static __always_inline bool ctx_push_outer(struct __sk_buff *skb, __u32 bytes)
{
	return !bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC,
				    BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
}

/* is_ipv4: the inner packet */
static __always_inline bool ctx_pull_outer(struct __sk_buff *skb, __u32 bytes, bool is_ipv4)
{
	__u64 flags = is_ipv4 ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;

	return !bpf_skb_adjust_room(skb, -(__s32)bytes, BPF_ADJ_ROOM_MAC, flags | BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* before: bytes of the present outer header; 0: none. No flag where one outer header replaces another: the packet is IPv6 before and after. */
static __always_inline bool ctx_resize_outer(struct __sk_buff *skb, __u32 before, __u32 bytes)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	if (!before)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	return before == bytes || !bpf_skb_adjust_room(skb, (int)bytes - (int)before, BPF_ADJ_ROOM_MAC, flags);
}

/*
 * Redirects a packet to a port of this node. If the port's veth peer is in a namespace of this machine, bpf_redirect_peer() delivers there
 * directly: the device, its queue and another softirq cost more than all of decapsulation.
 */
static __always_inline int redirect_to_port(__u32 ifindex, __u32 flags)
{
	return flags & PORT_REDIRECT_PEER ? bpf_redirect_peer(ifindex, 0) : bpf_redirect(ifindex, 0);
}
