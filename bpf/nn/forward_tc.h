/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the tcx programs of a network node do with a packet once they know whose it is. Super-packets stay whole. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "gateway/return_path.h"
#include "icmp/nn_error.h"
#include "metrics.h"
#include "net/read_inner.h"
#include "net/vlan.h"
#include "nn/process.h"
#include "trace/trace.h"

/* Ethernet, IPv6, the longest SRH that is read, IPv6, some extension headers, an ICMP error with what it quotes. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + SRH_BYTES_READ + 8 + sizeof(struct ipv6hdr) + 32)

static __always_inline int pass_vlan(struct __sk_buff *skb, enum hook hook)
{
	count_reason(PASS_VLAN);
	seen(skb, PASS_VLAN, 0, hook);
	return TCX_NEXT;
}

/* Has what headers are read of in one piece. A packet that memory is short for is judged by what there is of it. */
static __always_inline void pull(struct __sk_buff *skb)
{
	__u32 there = (void *)(long)skb->data_end - (void *)(long)skb->data;

	if (there < PULL_BYTES && skb->len > there)
		bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES);
}

/* Does it, or each segment it will be cut into, fit? before: bytes of the frame that go, or are not the packet's */
static __always_inline bool fits(struct __sk_buff *skb, const struct inner *inner, __u32 before, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return skb->len - before <= mtu;
	return inner->header_bytes + inner->l4_bytes + gso_bytes <= mtu;
}

static __always_inline int to_uplink(struct __sk_buff *skb, struct steer_scratch *scratch, const struct outer *outer,
				     const struct encap *encap, const struct node *node, __u32 hash, __u32 *ifindex)
{
	const struct hop *hop = find_hop(encap, hash);
	__u32 bytes = encap_bytes(encap), mtu;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	if (!hop)
		return PUNT_UNRESOLVED;
	mtu = hop->mtu - bytes;
	if (!scratch->passage.relays && scratch->passage.peer_mtu && scratch->passage.peer_mtu < mtu)
		mtu = scratch->passage.peer_mtu;
	scratch->mtu = mtu;
	if (!fits(skb, &scratch->packet.inner, scratch->at, mtu))
		return PUNT_TOO_BIG;
	/* The outer header counts 16 bits. */
	if (scratch->packet.inner.length + bytes - sizeof(struct ipv6hdr) > 0xffff)
		return PUNT_NO_OFFLOAD;
	if (!outer->bytes)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	/* From one outer header to one with another SRH it is IPv6 before and after. */
	if (outer->bytes != bytes && bpf_skb_adjust_room(skb, (int)bytes - (int)outer->bytes, BPF_ADJ_ROOM_MAC, flags))
		return skb->gso_size ? PUNT_NO_OFFLOAD : PUNT_NO_ROOM;
	*ifindex = hop->ifindex;
	return write_steered((void *)(long)skb->data, (void *)(long)skb->data_end, &scratch->packet, outer, encap, hop, node, hash,
			     scratch->passage.relays);
}

/* Takes the outer header off, if there is one, and makes the packet's step. port: whose MACs it is to have, or NULL. */
static __always_inline int decapsulate(struct __sk_buff *skb, const struct packet *packet, const struct outer *outer,
				       const struct port *port)
{
	bool is_inet = packet->inner.family == FAMILY_INET;
	struct ethhdr *eth;

	if (outer->bytes &&
	    bpf_skb_adjust_room(skb, -(__s32)outer->bytes, BPF_ADJ_ROOM_MAC,
				(is_inet ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6) | BPF_F_ADJ_ROOM_FIXED_GSO))
		return PUNT_NO_ROOM;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return DROP_MALFORMED;
	if (port)
		write_macs(eth, port->vm_mac);
	eth->h_proto = is_inet ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return step_inner(eth + 1, (void *)(long)skb->data_end, &packet->inner, outer->class, true);
}

/* To a VM of this node. */
static __always_inline int to_port(struct __sk_buff *skb, struct steer_scratch *scratch, const struct outer *outer, __u32 ifindex,
				   __u32 packets)
{
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	int reason;

	if (!port)
		return PUNT_NO_MEMBER;
	scratch->mtu = port->mtu;
	if (!fits(skb, &scratch->packet.inner, scratch->at, port->mtu))
		return PUNT_TOO_BIG;
	reason = decapsulate(skb, &scratch->packet, outer, port);
	if (reason == REASON_FORWARDED)
		count_rx(port->slot, packets, scratch->packet.inner.length);
	return reason;
}

/* Beyond an external interface the kernel knows the next hop, and resolves it. */
static __always_inline int to_external(struct __sk_buff *skb, struct steer_scratch *scratch, const struct outer *outer, __u32 ifindex)
{
	__u32 mtu = 0;

	/* Says the interface's MTU, whatever it says of the packet. */
	bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
	if (!mtu)
		return PUNT_NO_MEMBER;
	scratch->mtu = mtu;
	if (!fits(skb, &scratch->packet.inner, scratch->at, mtu))
		return PUNT_TOO_BIG;
	return decapsulate(skb, &scratch->packet, outer, NULL);
}

/* Reads the packet behind an outer header. REASON_FORWARDED, or why it goes no further. */
static __always_inline enum reason read_steered(struct __sk_buff *skb, struct steer_scratch *scratch, const struct outer *outer)
{
	struct packet *packet = &scratch->packet;
	enum reason reason;

	scratch->at = ETH_HLEN + outer->bytes;
	reason = read_inner(skb, packet, scratch->at, outer->protocol);
	if (reason != REASON_FORWARDED)
		return reason;
	return packet->inner.length > skb->len - ETH_HLEN - outer->bytes ? DROP_MALFORMED : REASON_FORWARDED;
}

/* Decides about a packet that was read, and sends it on. */
static __always_inline int send_on(struct __sk_buff *skb, struct steer_scratch *scratch, const struct outer *outer,
				   const struct steering *state, const struct node *node, enum hook hook)
{
	__u32 ifindex = 0, hash, id = 0, packets = skb->gso_segs ? skb->gso_segs : 1;
	struct passage *passage = &scratch->passage;
	struct packet *packet = &scratch->packet;
	struct target *target = NULL;
	struct encap *encap;
	int reason;

	if (packet->inner.hop_limit <= 1)
		return nn_exception(skb, PUNT_HOP_LIMIT, hook);
	hash = flow_hash(&packet->key);
	reason = settle(packet, passage, state, outer, (void *)(long)skb->data, (void *)(long)skb->data_end, hash, packets, &encap);
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, hook);
	keep(skb);
	if (!encap) {
		target = steer_target(passage->peer, &packet->inner);
		if (!target)
			return nn_exception(skb, PUNT_NO_MEMBER, hook);
		id = target->id;
		if (target->kind == TARGET_REMOTE)
			encap = bpf_map_lookup_elem(&encaps, &id);
	}
	if (encap) {
		reason = to_uplink(skb, scratch, outer, encap, node, hash, &ifindex);
	} else if (target && target->kind == TARGET_LOCAL) {
		ifindex = id;
		reason = to_port(skb, scratch, outer, id, packets);
	} else if (target && target->kind == TARGET_EXTERNAL) {
		ifindex = id & ~EXTERNAL_FRAMES;
		reason = to_external(skb, scratch, outer, ifindex);
	} else {
		reason = PUNT_NO_MEMBER;
	}
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, hook);
	if (target && target->kind == TARGET_LOCAL)
		follow_self(packet, passage->peer, state->self);
	if (!passage->relays)
		account(packet, passage, reason, packets);
	count_reason(reason);
	seen(skb, reason, ifindex, hook);
	if (target && target->kind == TARGET_EXTERNAL)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect(ifindex, 0);
}
