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
#include "net/parse_flow.h"
#include "net/vlan.h"
#include "nn/process.h"
#include "trace/trace.h"

/* Ethernet, IPv6, the longest SRH that is read, IPv6, some extension headers, an ICMP error with what it quotes. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + MAX_SRH_BYTES_READ + 8 + sizeof(struct ipv6hdr) + 32)

static __always_inline int pass_vlan(struct __sk_buff *skb, enum hook hook)
{
	count_verdict(PASS_VLAN);
	trace_verdict(skb, PASS_VLAN, 0, hook);
	return TCX_NEXT;
}

/* Has what headers are read of in one piece. A packet that memory is short for is judged by what there is of it. */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 there = (void *)(long)skb->data_end - (void *)(long)skb->data;

	if (there < PULL_BYTES && skb->len > there)
		bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES);
}

/* Does it, or each segment it will be cut into, fit? before: bytes of the frame that go, or are not the packet's */
static __always_inline bool exceeds_mtu(struct __sk_buff *skb, const struct inner *inner, __u32 before, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return skb->len - before > mtu;
	return inner->header_bytes + inner->l4_bytes + gso_bytes > mtu;
}

static __always_inline int skb_forward_to_uplink(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived,
						 const struct encap *encap, const struct node *node, __u32 hash, __u32 *ifindex)
{
	const struct nexthop *hop = encap_nexthop_of(encap, hash);
	__u32 bytes = encap_bytes(encap), mtu;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	if (!hop)
		return PUNT_UNRESOLVED;
	mtu = hop->mtu - bytes;
	if (!scratch->verdict.relay_count && scratch->verdict.peer_mtu && scratch->verdict.peer_mtu < mtu)
		mtu = scratch->verdict.peer_mtu;
	scratch->mtu = mtu;
	if (exceeds_mtu(skb, &scratch->packet.inner, scratch->at, mtu))
		return PUNT_TOO_BIG;
	/* The outer header counts 16 bits. */
	if (scratch->packet.inner.length + bytes - sizeof(struct ipv6hdr) > 0xffff)
		return PUNT_NO_OFFLOAD;
	if (!arrived->outer.bytes)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	/* From one outer header to one with another SRH it is IPv6 before and after. */
	if (arrived->outer.bytes != bytes && bpf_skb_adjust_room(skb, (int)bytes - (int)arrived->outer.bytes, BPF_ADJ_ROOM_MAC, flags))
		return skb->gso_size ? PUNT_NO_OFFLOAD : PUNT_NO_ROOM;
	*ifindex = hop->ifindex;
	return write_reencap((void *)(long)skb->data, (void *)(long)skb->data_end, &scratch->packet, arrived, encap, hop, node, hash,
			     scratch->verdict.relay_count);
}

/* Takes the outer header off, if there is one, and makes the packet's step. port: whose MACs it is to have, or NULL. */
static __always_inline int decapsulate(struct __sk_buff *skb, const struct packet *packet, const struct reencap_ctx *arrived, const struct port *port)
{
	bool is_inet = packet->inner.family == FAMILY_INET;
	struct ethhdr *eth;

	if (arrived->outer.bytes && bpf_skb_adjust_room(skb, -(__s32)arrived->outer.bytes, BPF_ADJ_ROOM_MAC,
							(is_inet ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6) | BPF_F_ADJ_ROOM_FIXED_GSO))
		return PUNT_NO_ROOM;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return DROP_MALFORMED;
	if (port)
		write_macs(eth, port->vm_mac);
	eth->h_proto = is_inet ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return forward_inner(eth + 1, (void *)(long)skb->data_end, &packet->inner, arrived->outer.class, true);
}

/* To a VM of this node. */
static __always_inline int skb_forward_to_port(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 ifindex,
					       __u32 packets)
{
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	int reason;

	if (!port)
		return PUNT_NO_MEMBER;
	scratch->mtu = port->mtu;
	if (exceeds_mtu(skb, &scratch->packet.inner, scratch->at, port->mtu))
		return PUNT_TOO_BIG;
	reason = decapsulate(skb, &scratch->packet, arrived, port);
	if (reason == REASON_FORWARDED)
		count_rx(port->slot, packets, scratch->packet.inner.length);
	return reason;
}

/* Beyond an external interface the kernel knows the next hop, and resolves it. */
static __always_inline int skb_forward_to_external(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived, __u32 ifindex)
{
	__u32 mtu = 0;

	/* Says the interface's MTU, whatever it says of the packet. */
	bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
	if (!mtu)
		return PUNT_NO_MEMBER;
	scratch->mtu = mtu;
	if (exceeds_mtu(skb, &scratch->packet.inner, scratch->at, mtu))
		return PUNT_TOO_BIG;
	return decapsulate(skb, &scratch->packet, arrived, NULL);
}

/* Reads the packet behind an outer header. REASON_FORWARDED, or why it goes no further. */
static __always_inline enum reason nn_parse_inner(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived)
{
	struct packet *packet = &scratch->packet;
	enum reason reason;

	scratch->at = ETH_HLEN + arrived->outer.bytes;
	reason = parse_packet(skb, packet, scratch->at, arrived->outer.protocol);
	if (reason != REASON_FORWARDED)
		return reason;
	return is_within_outer(arrived, &packet->inner, skb->len) ? REASON_FORWARDED : DROP_MALFORMED;
}

/* Decides about a packet that was read, and sends it on. */
static __always_inline int nn_forward(struct __sk_buff *skb, struct nn_buf *scratch, const struct reencap_ctx *arrived, const struct nn_config *state,
				      const struct node *node, enum hook hook)
{
	__u32 ifindex = 0, hash, id = 0, packets = skb->gso_segs ? skb->gso_segs : 1;
	struct nn_verdict *verdict = &scratch->verdict;
	struct packet *packet = &scratch->packet;
	struct endpoint *endpoint = NULL;
	struct encap *encap;
	int reason;

	if (packet->inner.hop_limit <= 1)
		return nn_exception(skb, PUNT_HOP_LIMIT, hook);
	hash = flow_hash(&packet->key);
	reason = nn_process(packet, verdict, state, arrived, (void *)(long)skb->data, (void *)(long)skb->data_end, hash, packets, &encap);
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, hook);
	trace_capture(skb);
	if (!encap) {
		endpoint = nn_lookup_endpoint(verdict->peer, &packet->inner);
		if (!endpoint)
			return nn_exception(skb, PUNT_NO_MEMBER, hook);
		id = endpoint->id;
		if (endpoint->type == EP_REMOTE)
			encap = bpf_map_lookup_elem(&sg_encaps, &id);
	}
	if (encap) {
		reason = skb_forward_to_uplink(skb, scratch, arrived, encap, node, hash, &ifindex);
	} else if (endpoint && endpoint->type == EP_LOCAL) {
		ifindex = id;
		reason = skb_forward_to_port(skb, scratch, arrived, id, packets);
	} else if (endpoint && endpoint->type == EP_EXTERNAL) {
		ifindex = id & ~EP_EXTERNAL_XDP_XMIT;
		reason = skb_forward_to_external(skb, scratch, arrived, ifindex);
	} else {
		reason = PUNT_NO_MEMBER;
	}
	if (reason != REASON_FORWARDED)
		return nn_exception(skb, reason, hook);
	if (endpoint && endpoint->type == EP_LOCAL)
		learn_return_path_self(packet, verdict->peer, state->self);
	if (!verdict->relay_count)
		account_packet(packet, verdict, reason, packets);
	count_verdict(reason);
	trace_verdict(skb, reason, ifindex, hook);
	if (endpoint && endpoint->type == EP_EXTERNAL)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect(ifindex, 0);
}
