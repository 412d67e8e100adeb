// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a tenant's interface: guard, lookup, H.Encaps.Red, straight to the uplink or to a port of this node. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "abi/btf_export.h"
#include "fib/endpoint.h"
#include "fib/flow_cache.h"
#include "fib/nexthop.h"
#include "fib/port_cache.h"
#include "gateway/select.h"
#include "metrics.h"
#include "net/tcp_mss.h"
#include "net/ttl.h"
#include "net/vlan.h"
#include "port/antispoof.h"
#include "port/exception.h"
#include "srv6/encap.h"
#include "trace/trace.h"

/* What is pulled into the linear part: Ethernet, IPv6, TCP without options. */
#define PULL_BYTES (ETH_HLEN + sizeof(struct ipv6hdr) + 20)

KEEP_ENUM(reason);
KEEP_ENUM(target_kind);
KEEP_ENUM(port_flags);
KEEP_ENUM(dscp_policy);
KEEP_ENUM(behaviour);
KEEP_ENUM(family);
KEEP_ENUM(hook);
KEEP_ENUM(hop_flags);
KEEP_ENUM(mark);
KEEP_STRUCT(event);

/*
 * Of a frame that `segue trace` made: a test run takes some 3.5 kB, headers may speak of more. Set before loading; 0, and no
 * instruction, in a program that is attached.
 */
const volatile __u32 made_bytes = 0;

static __always_inline __u32 whole_bytes(struct __sk_buff *skb)
{
	return made_bytes ? made_bytes : skb->len;
}

/* Does it, or each segment it will be cut into, fit? What follows the packet in its frame (padding) counts: the link carries it too. */
static __always_inline bool fits(struct __sk_buff *skb, const struct inner *inner, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return whole_bytes(skb) - ETH_HLEN <= mtu;
	/* The outer header counts 16 bits. */
	return inner->header_bytes + inner->l4_bytes + gso_bytes <= mtu && inner->length <= 0xffff - MAX_SRH_BYTES;
}

static __always_inline __u32 packets(struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

static __always_inline bool rewrite_skb(struct __sk_buff *skb, const struct inner *inner, const __u8 *addresses)
{
	return rewrite((void *)(long)skb->data, (void *)(long)skb->data_end, inner, addresses);
}

/* Takes a rewrite back: the kernel gets what the VM sent. The guard found these very addresses in it. */
static __always_inline void restore_skb(struct __sk_buff *skb, const struct inner *inner, const struct port *port)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return;
	if (inner->family == FAMILY_INET) {
		unstep_inet((struct iphdr *)(eth + 1));
	} else {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end)
			return;
		((struct ipv6hdr *)(eth + 1))->hop_limit++;
	}
	__builtin_memcpy(eth->h_dest, port->gateway_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->vm_mac, ETH_ALEN);
}

/* flags: of the port that it is for */
static __always_inline enum reason to_local(struct __sk_buff *skb, const struct inner *inner, __u32 ifindex,
					    const struct port *from, __u32 *flags)
{
	const struct port *to = bpf_map_lookup_elem(&ports, &ifindex);

	if (!to)
		return PUNT_NO_MEMBER;
	if (!fits(skb, inner, to->mtu))
		return PUNT_TOO_BIG;
	if (!rewrite_skb(skb, inner, to->vm_mac))
		return PUNT_NO_ROOM;
	count_tx(from->slot, packets(skb), inner->length);
	count_rx(to->slot, packets(skb), inner->length);
	*flags = to->flags;
	return REASON_FORWARDED;
}

static __always_inline enum reason to_remote(struct __sk_buff *skb, const struct inner *inner, const struct way *way,
					     const struct node *node)
{
	const struct encap *encap = way->srh;
	const struct port *port = way->port;
	const struct hop *hop = way->hop;
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;

	if (!fits(skb, inner, port->mtu) || !fits(skb, inner, hop->mtu - bytes))
		return PUNT_TOO_BIG;
	if (!rewrite_skb(skb, inner, hop->dest_mac))
		return PUNT_NO_ROOM;
	/* FIXED_GSO: the tenant's MTU leaves room for the header, segments stay as long as the VM made them. */
	if (bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET)) {
		/* Super-packets of other protocols than TCP and UDP, or of a tunnel of the VM's own (bpf_skb_net_grow). */
		restore_skb(skb, inner, port);
		return PUNT_NO_ROOM;
	}
	data = (void *)(long)skb->data;
	data_end = (void *)(long)skb->data_end;
	outer = data + ETH_HLEN;
	if ((void *)(outer + 1) > data_end)
		return DROP_NO_ROOM;
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer(outer, way, node, inner);
	if (encap && encap->srh_bytes) {
		__u32 length = encap->srh_bytes;
		__u8 *srh;

		if (length > MAX_SRH_BYTES)
			return DROP_NO_ROOM;
		if (bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(*outer), encap->srh, length, 0))
			return DROP_NO_ROOM;
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
		srh = data + ETH_HLEN + sizeof(*outer);
		if ((void *)(srh + 1) > data_end)
			return DROP_NO_ROOM;
		*srh = inner_protocol(inner);
	}
	count_tx(port->slot, packets(skb), inner->length);
	return REASON_FORWARDED;
}

static __always_inline int port(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, zero = 0, id;
	__u64 epoch = epoch_now();
	const struct port *port = find_port(ifindex, epoch);
	struct node *node = bpf_map_lookup_elem(&nodes, &zero);
	struct target *target;
	struct inner inner;
	enum reason reason;
	struct way way;

	if (!port || !node)
		return verdict(skb, PUNT_NO_PORT);
	if (is_of_vlan(skb))
		return verdict(skb, port->flags & PORT_VLANS ? PASS_VLAN : DROP_VLAN);
	if (!remove_priority_tag(skb))
		return port_exception(skb, PUNT_NO_ROOM);
	if ((void *)(long)skb->data + PULL_BYTES > (void *)(long)skb->data_end &&
	    skb->len > (void *)(long)skb->data_end - (void *)(long)skb->data) {
		if (bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES))
			return port_exception(skb, PUNT_NO_ROOM);
	}
	reason = read_frame((void *)(long)skb->data, (void *)(long)skb->data_end, port, &inner);
	if (reason == REASON_FORWARDED && inner.length > whole_bytes(skb) - ETH_HLEN)
		reason = DROP_MALFORMED;
	if (reason == REASON_FORWARDED)
		reason = guard(ifindex, port, &inner, epoch, &id);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	if (is_syn(&inner))
		clamp_mss(skb, ETH_HLEN + inner.header_bytes, port->mtu - inner.header_bytes - TCP_HEADER_BYTES);
	if (!id) {
		target = find_target(port->tenant, &inner);
		if (!target)
			return port_exception(skb, PUNT_NO_MEMBER);
		id = target->id;
		if (target->kind == TARGET_LOCAL) {
			__u32 flags;

			keep(skb);
			reason = to_local(skb, &inner, id, port, &flags);
			if (reason != REASON_FORWARDED)
				return port_exception(skb, reason);
			count_reason(REASON_FORWARDED);
			seen(skb, REASON_FORWARDED, id, HOOK_PORT);
			return deliver(id, flags);
		}
		/* It is remembered of the flow, not of its addresses. */
		if (target->kind == TARGET_STEERED) {
			id = steered_encap(skb, &inner, ifindex, port->tenant, id,
					   epoch);
			if (!id)
				return port_exception(skb, DROP_NO_NETWORK_NODE);
		} else if (!id) {
			/* The gateway, or a member that the kernel alone knows the way to. */
			return port_exception(skb, PUNT_NO_MEMBER);
		} else {
			remember_egress(&inner, ifindex, epoch, id);
		}
	}
	reason = find_way(&way, id, &inner, port, epoch);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	keep(skb);
	reason = to_remote(skb, &inner, &way, node);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	count_reason(REASON_FORWARDED);
	seen(skb, REASON_FORWARDED, way.hop->ifindex, HOOK_PORT);
	if (way.hop->flags & HOP_SELF)
		skb->mark = MARK_SELF;
	return bpf_redirect(way.hop->ifindex, way.hop->flags & HOP_SELF);
}

SEC("tcx/ingress")
int segue_port(struct __sk_buff *skb)
{
	return port(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
