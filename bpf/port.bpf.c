// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a tenant's interface: guard, lookup, H.Encaps.Red, straight to the uplink or to a port of this node. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "encap.h"
#include "keep.h"
#include "lookup.h"
#include "stats.h"

#define TCX_NEXT (-1)
/* What is pulled into the linear part: Ethernet, IPv6, TCP without options. */
#define PULL_BYTES (ETH_HLEN + sizeof(struct ipv6hdr) + 20)

KEEP_ENUM(reason);
KEEP_ENUM(target_kind);
KEEP_ENUM(port_flags);
KEEP_ENUM(dscp_policy);
KEEP_ENUM(behaviour);
KEEP_ENUM(family);

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/* Reads a tenant's packet and checks it for what no tenant may send. */
static __always_inline enum reason guard(struct __sk_buff *skb, const struct port *port, const struct node *node,
					 struct inner *inner)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	enum reason reason;

	if (data + PULL_BYTES > data_end && skb->len > data_end - data) {
		__u32 bytes = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

		if (bpf_skb_pull_data(skb, bytes))
			return PUNT_NO_ROOM;
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
		eth = data;
	}
	if ((void *)(eth + 1) > data_end)
		return DROP_MALFORMED;
	if (!same_mac(eth->h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!same_mac(eth->h_dest, port->own_mac))
		return PUNT_NOT_ROUTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		reason = read_inet(inner, (struct iphdr *)(eth + 1), data_end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		reason = read_inet6(inner, (struct ipv6hdr *)(eth + 1), data_end);
	else
		return PUNT_NOT_IP;
	if (reason != REASON_FORWARDED)
		return reason;
	if (inner->length > skb->len - ETH_HLEN)
		return DROP_MALFORMED;
	if (!may_send(skb->ifindex, inner))
		return DROP_SOURCE_ADDRESS;
	if (inner->family == FAMILY_INET6) {
		const __u32 *dest = inner->dest.in6_u.u6_addr32;
		const __u32 *block = node->sid_block.in6_u.u6_addr32;
		const __u32 *mask = node->sid_mask.in6_u.u6_addr32;

		if (!(((dest[0] & mask[0]) ^ block[0]) | ((dest[1] & mask[1]) ^ block[1]) | ((dest[2] & mask[2]) ^ block[2]) |
		      ((dest[3] & mask[3]) ^ block[3])))
			return DROP_SID_BLOCK;
	}
	if (inner->hop_limit <= 1)
		return PUNT_HOP_LIMIT;
	return REASON_FORWARDED;
}

/* Does it, or each segment it will be cut into, fit? */
static __always_inline bool fits(struct __sk_buff *skb, const struct inner *inner, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return inner->length <= mtu;
	return inner->header_bytes + inner->l4_bytes + gso_bytes <= mtu;
}

static __always_inline void count_super_packet(struct __sk_buff *skb, __u32 slot, const struct inner *inner)
{
	count_tx(slot, skb->gso_segs ? skb->gso_segs : 1, inner->length);
}

/* One hop less, and an Ethernet header for the next one. */
static __always_inline bool rewrite(struct __sk_buff *skb, const struct inner *inner, const __u8 *dest, const __u8 *source)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return false;
	if (inner->family == FAMILY_INET) {
		step_inet((struct iphdr *)(eth + 1));
	} else {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end)
			return false;
		((struct ipv6hdr *)(eth + 1))->hop_limit--;
	}
	__builtin_memcpy(eth->h_dest, dest, ETH_ALEN);
	__builtin_memcpy(eth->h_source, source, ETH_ALEN);
	return true;
}

static __always_inline enum reason to_local(struct __sk_buff *skb, const struct inner *inner, __u32 ifindex,
					    const struct port *from)
{
	const struct port *to = bpf_map_lookup_elem(&ports, &ifindex);

	if (!to)
		return PUNT_NO_MEMBER;
	if (!fits(skb, inner, to->mtu))
		return PUNT_TOO_BIG;
	if (!rewrite(skb, inner, to->vm_mac, to->own_mac))
		return PUNT_NO_ROOM;
	count_super_packet(skb, from->slot, inner);
	count_rx(to->slot, skb->gso_segs ? skb->gso_segs : 1, inner->length);
	return REASON_FORWARDED;
}

static __always_inline enum reason to_remote(struct __sk_buff *skb, const struct inner *inner, const struct encap *encap,
					     const struct hop *hop, const struct port *port, const struct node *node)
{
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;

	if (!fits(skb, inner, port->mtu) || !fits(skb, inner, hop->mtu - bytes))
		return PUNT_TOO_BIG;
	if (!rewrite(skb, inner, hop->dest_mac, hop->source_mac))
		return PUNT_NO_ROOM;
	/* FIXED_GSO: the tenant's MTU leaves room for the header, segments stay as long as the VM made them. */
	if (bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return DROP_MALFORMED;
	data = (void *)(long)skb->data;
	data_end = (void *)(long)skb->data_end;
	outer = data + ETH_HLEN;
	if ((void *)(outer + 1) > data_end)
		return DROP_MALFORMED;
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer(outer, encap, node, inner, outer_class(port, inner));
	if (encap->srh_bytes) {
		__u8 *srh = (__u8 *)(outer + 1);
		__u32 length = encap->srh_bytes;

		if (length > MAX_SRH_BYTES)
			return DROP_MALFORMED;
		if (bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(*outer), encap->srh, length, 0))
			return DROP_MALFORMED;
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
		srh = data + ETH_HLEN + sizeof(*outer);
		if ((void *)(srh + 1) > data_end)
			return DROP_MALFORMED;
		*srh = inner->family == FAMILY_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
	}
	count_super_packet(skb, port->slot, inner);
	return REASON_FORWARDED;
}

static __always_inline int verdict(enum reason reason)
{
	count_reason(reason);
	return reason >= DROP_MALFORMED ? TC_ACT_SHOT : TCX_NEXT;
}

SEC("tcx/ingress")
int segue_port(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, zero = 0;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct node *node = bpf_map_lookup_elem(&nodes, &zero);
	struct underlay *underlay;
	struct target *target;
	struct encap *encap;
	struct inner inner;
	enum reason reason;
	__u32 choice, id;

	if (!port || !node)
		return TCX_NEXT;
	reason = guard(skb, port, node, &inner);
	if (reason != REASON_FORWARDED)
		return verdict(reason);
	target = find_target(port->tenant, &inner);
	if (!target)
		return verdict(PUNT_NO_MEMBER);
	id = target->id;
	if (target->kind == TARGET_LOCAL) {
		reason = to_local(skb, &inner, id, port);
		if (reason != REASON_FORWARDED)
			return verdict(reason);
		count_reason(REASON_FORWARDED);
		return bpf_redirect(id, 0);
	}
	encap = bpf_map_lookup_elem(&encaps, &id);
	if (!encap)
		return verdict(PUNT_NO_MEMBER);
	id = encap->underlay;
	underlay = bpf_map_lookup_elem(&underlays, &id);
	if (!underlay || !underlay->count)
		return verdict(PUNT_UNRESOLVED);
	choice = underlay->count == 1 ? 0 : (inner.hash >> 8) % underlay->count;
	if (choice >= MAX_HOPS)
		return verdict(PUNT_UNRESOLVED);
	reason = to_remote(skb, &inner, encap, &underlay->hops[choice], port, node);
	if (reason != REASON_FORWARDED)
		return verdict(reason);
	count_reason(REASON_FORWARDED);
	return bpf_redirect(underlay->hops[choice].ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
