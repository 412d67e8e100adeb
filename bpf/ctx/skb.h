/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx: how a frame is read, and how a program hands it on. */
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
 * Of a frame that `segue trace` made: a test run takes some 3.5 kB, headers may speak of more. Set before loading; 0, and no instruction, in a
 * program that is attached.
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

/* claimed: of the packet, as its header says */
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

/* The packets that a super-packet is cut into. */
static __always_inline __u32 frame_packets(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

/* Bytes of payload of each segment of a super-packet, else 0. */
static __always_inline __u32 frame_segment_bytes(const struct __sk_buff *skb)
{
	return skb->gso_size;
}

/* Has so many bytes of the frame in one piece, or all of it. False where memory is short. */
static __always_inline bool frame_linearize(struct __sk_buff *skb, __u32 bytes)
{
	__u32 there = (void *)(long)skb->data_end - (void *)(long)skb->data;

	return there >= bytes || skb->len <= there || !bpf_skb_pull_data(skb, skb->len < bytes ? skb->len : bytes);
}

/* May it go out by an interface? takes_xdp: frames from XDP, too */
static __always_inline bool ctx_may_transmit(bool takes_xdp)
{
	return true;
}

/* FIXED_GSO: segments stay as long as they are. False where the kernel refuses: nothing is altered then. */
static __always_inline bool ctx_push_outer(struct __sk_buff *skb, __u32 bytes)
{
	return !bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC,
				    BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
}

/* is_ipv4: what is inside */
static __always_inline bool ctx_pull_outer(struct __sk_buff *skb, __u32 bytes, bool is_ipv4)
{
	__u64 flags = is_ipv4 ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;

	return !bpf_skb_adjust_room(skb, -(__s32)bytes, BPF_ADJ_ROOM_MAC, flags | BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* before: 0 where there is none. From one outer header to one with another SRH it is IPv6 before and after. */
static __always_inline bool ctx_resize_outer(struct __sk_buff *skb, __u32 before, __u32 bytes)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	if (!before)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	return before == bytes || !bpf_skb_adjust_room(skb, (int)bytes - (int)before, BPF_ADJ_ROOM_MAC, flags);
}

/*
 * Hands a packet to a port of this node. Where the port's other end is in a namespace of this machine, bpf_redirect_peer() puts the packet there
 * at once: the device, its queue and another softirq cost more than all of decapsulation.
 */
static __always_inline int redirect_to_port(__u32 ifindex, __u32 flags)
{
	return flags & PORT_REDIRECT_PEER ? bpf_redirect_peer(ifindex, 0) : bpf_redirect(ifindex, 0);
}
