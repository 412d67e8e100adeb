// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a network node's uplink: as steer_xdp.bpf.c, with super-packets whole. It stands before the hypervisor's program. */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "events_tc.h"
#include "steer_settle.h"

#define TCX_NEXT (-1)
/* Ethernet, IPv6, the longest SRH that is read, IPv6, some extension headers, an ICMP error with what it quotes. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + SRH_BYTES_READ + 8 + sizeof(struct ipv6hdr) + 32)

/* Linux 6.3; Debian's headers of 6.1 have them not. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

static __always_inline int verdict(struct __sk_buff *skb, enum reason reason)
{
	count_reason(reason);
	seen(skb, reason, 0, HOOK_STEER);
	return ends(reason) ? TC_ACT_SHOT : TCX_NEXT;
}

/* Does it, or each segment it will be cut into, fit? */
static __always_inline bool fits(struct __sk_buff *skb, const struct inner *inner, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return inner->length <= mtu;
	return inner->header_bytes + inner->l4_bytes + gso_bytes <= mtu;
}

static __always_inline int to_uplink(struct __sk_buff *skb, const struct packet *packet, const struct outer *outer,
				     const struct encap *encap, const struct node *node, __u32 hash, bool steps, __u32 *ifindex)
{
	const struct hop *hop = find_hop(encap, hash);
	__u32 bytes = encap_bytes(encap);

	if (!hop)
		return PUNT_UNRESOLVED;
	if (!fits(skb, &packet->inner, hop->mtu - bytes))
		return PUNT_TOO_BIG;
	if (outer->bytes != bytes) {
		/* The kernel keeps no count of a super-packet's outer headers that change their length. */
		if (skb->gso_size)
			return PUNT_NO_OFFLOAD;
		if (bpf_skb_adjust_room(skb, (int)bytes - (int)outer->bytes, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
			return PUNT_NO_ROOM;
	}
	*ifindex = hop->ifindex;
	return write_steered((void *)(long)skb->data, (void *)(long)skb->data_end, packet, outer, encap, hop, node, hash, steps);
}

/* Takes the outer header off and makes the packet's step. macs: those it is to have, or NULL. */
static __always_inline int decapsulate(struct __sk_buff *skb, const struct packet *packet, const struct outer *outer,
				       const struct port *port)
{
	bool is_inet = packet->inner.family == FAMILY_INET;
	struct ethhdr *eth;

	if (bpf_skb_adjust_room(skb, -(__s32)outer->bytes, BPF_ADJ_ROOM_MAC,
				(is_inet ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6) | BPF_F_ADJ_ROOM_FIXED_GSO))
		return PUNT_NO_ROOM;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return DROP_MALFORMED;
	if (port) {
		__builtin_memcpy(eth->h_dest, port->vm_mac, ETH_ALEN);
		__builtin_memcpy(eth->h_source, port->own_mac, ETH_ALEN);
	}
	eth->h_proto = is_inet ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return step_inner(eth + 1, (void *)(long)skb->data_end, &packet->inner, outer->class, true);
}

SEC("tcx/ingress")
int segue_steer_tc(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	__u32 zero = 0, ifindex = 0, hash, id = 0, packets = skb->gso_segs ? skb->gso_segs : 1;
	struct target *target = NULL;
	struct port *port = NULL;
	struct steer_scratch *scratch;
	struct steering *state;
	struct passage *passage;
	struct packet *packet;
	struct encap *encap;
	struct outer outer;
	struct node *node;
	bool steps;
	int reason;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return TCX_NEXT;
	if (data + PULL_BYTES > data_end && skb->len > data_end - data) {
		if (bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES))
			return TCX_NEXT;
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
	}
	scratch = bpf_map_lookup_elem(&steer_scratches, &zero);
	state = bpf_map_lookup_elem(&steering, &zero);
	node = bpf_map_lookup_elem(&nodes, &zero);
	if (!scratch || !state || !node)
		return TCX_NEXT;
	packet = &scratch->packet;
	passage = &scratch->passage;
	reason = read_outer(&outer, &passage->from, data, data_end);
	if (reason == REASON_COUNT)
		return TCX_NEXT;
	if (reason != REASON_FORWARDED)
		return verdict(skb, reason);
	reason = read_packet(packet, data + ETH_HLEN + outer.bytes, data_end, outer.protocol);
	if (reason != REASON_FORWARDED)
		return verdict(skb, reason);
	if (is_own_member(passage->from.id, &packet->inner))
		return TCX_NEXT;
	if (packet->inner.length > skb->len - ETH_HLEN - outer.bytes)
		return verdict(skb, DROP_MALFORMED);
	if (packet->inner.hop_limit <= 1)
		return verdict(skb, PUNT_HOP_LIMIT);
	hash = flow_hash(&packet->key);
	reason = settle(packet, passage, state, data, data_end, hash, packets, &encap);
	if (reason != REASON_FORWARDED)
		return verdict(skb, reason);
	keep(skb);
	steps = !encap;
	if (!encap) {
		target = find_target(passage->peer, &packet->inner);
		if (!target)
			return verdict(skb, PUNT_NO_MEMBER);
		id = target->id;
		if (target->kind == TARGET_REMOTE)
			encap = bpf_map_lookup_elem(&encaps, &id);
	}
	if (encap) {
		reason = to_uplink(skb, packet, &outer, encap, node, hash, steps, &ifindex);
	} else if (target && target->kind == TARGET_LOCAL) {
		port = bpf_map_lookup_elem(&ports, &id);
		if (!port)
			return verdict(skb, PUNT_NO_MEMBER);
		if (skb->gso_size && !(port->flags & PORT_TUNNEL_SEGMENTATION))
			return verdict(skb, PUNT_NO_OFFLOAD);
		if (!fits(skb, &packet->inner, port->mtu))
			return verdict(skb, PUNT_TOO_BIG);
		ifindex = id;
		reason = decapsulate(skb, packet, &outer, port);
		if (reason == REASON_FORWARDED)
			count_rx(port->slot, packets, packet->inner.length);
	} else if (target && target->kind == TARGET_EXTERNAL) {
		ifindex = id;
		reason = decapsulate(skb, packet, &outer, NULL);
	} else {
		reason = PUNT_NO_MEMBER;
	}
	if (reason != REASON_FORWARDED)
		return verdict(skb, reason);
	if (steps)
		account(packet, passage, reason, packets);
	count_reason(reason);
	seen(skb, reason, ifindex, HOOK_STEER);
	/* Beyond an external interface the kernel knows the next hop, and resolves it. */
	if (target && target->kind == TARGET_EXTERNAL)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
