// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a tenant's interface: anti-spoofing, lookup, H.Encaps.Red, redirect to the uplink or to a port of this node. */
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

BTF_EXPORT_ENUM(reason);
BTF_EXPORT_ENUM(endpoint_type);
BTF_EXPORT_ENUM(port_flags);
BTF_EXPORT_ENUM(dscp_policy);
BTF_EXPORT_ENUM(behaviour);
BTF_EXPORT_ENUM(family);
BTF_EXPORT_ENUM(hook);
BTF_EXPORT_ENUM(limits);
BTF_EXPORT_ENUM(nexthop_flags);
BTF_EXPORT_ENUM(mark);
BTF_EXPORT_STRUCT(event);

/*
 * Of a frame that `segue trace` made: a test run takes some 3.5 kB, headers may speak of more. Set before loading; 0, and no
 * instruction, in a program that is attached.
 */
const volatile __u32 trace_frame_len = 0;

static __always_inline __u32 frame_len(struct __sk_buff *skb)
{
	return trace_frame_len ? trace_frame_len : skb->len;
}

/* Does it, or each segment it will be cut into, fit? What follows the packet in its frame (padding) counts: the link carries it too. */
static __always_inline bool exceeds_mtu(struct __sk_buff *skb, const struct inner *inner, __u32 mtu)
{
	__u32 gso_bytes = skb->gso_size;

	if (!gso_bytes)
		return frame_len(skb) - ETH_HLEN > mtu;
	/* The outer header counts 16 bits. */
	return inner->length > 0xffff - MAX_SRH_BYTES || inner->header_bytes + inner->l4_bytes + gso_bytes > mtu;
}

static __always_inline __u32 packets(struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

static __always_inline bool rewrite_skb(struct __sk_buff *skb, const struct inner *inner, const __u8 *addresses)
{
	return dec_ttl_and_readdress((void *)(long)skb->data, (void *)(long)skb->data_end, inner, addresses);
}

/* Undoes dec_ttl_and_readdress(): the kernel gets what the VM sent. The MAC addresses are known: parse_port_frame() checked them. */
static __always_inline void restore_skb(struct __sk_buff *skb, const struct inner *inner, const struct port *port)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return;
	if (inner->family == FAMILY_INET) {
		ipv4_inc_ttl((struct iphdr *)(eth + 1));
	} else {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end)
			return;
		((struct ipv6hdr *)(eth + 1))->hop_limit++;
	}
	__builtin_memcpy(eth->h_dest, port->gateway_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->vm_mac, ETH_ALEN);
}

/* flags: of the port that it is for */
static __always_inline enum reason deliver_local(struct __sk_buff *skb, const struct inner *inner, __u32 ifindex, const struct port *from,
						 __u32 *flags)
{
	const struct port *to = bpf_map_lookup_elem(&sg_ports, &ifindex);

	if (!to)
		return PUNT_NO_MEMBER;
	if (exceeds_mtu(skb, inner, to->mtu))
		return PUNT_TOO_BIG;
	if (!rewrite_skb(skb, inner, to->vm_mac))
		return PUNT_NO_ROOM;
	count_tx(from->slot, packets(skb), inner->length);
	count_rx(to->slot, packets(skb), inner->length);
	*flags = to->flags;
	return REASON_FORWARDED;
}

static __always_inline enum reason encap_to_nexthop(struct __sk_buff *skb, const struct inner *inner, const struct encap_nexthop *via,
						    const struct node *node)
{
	const struct encap *encap = via->srh;
	const struct port *port = via->port;
	const struct nexthop *hop = via->hop;
	__u32 bytes = encap_bytes(encap);
	struct ipv6hdr *outer;
	void *data, *data_end;

	if (exceeds_mtu(skb, inner, port->mtu) || exceeds_mtu(skb, inner, hop->mtu - bytes))
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
	write_outer(outer, via, node, inner);
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

static __always_inline int port_ingress(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, zero = 0, id;
	__u64 generation = cache_generation_now();
	const struct port *port = lookup_port(ifindex, generation);
	struct node *node = bpf_map_lookup_elem(&sg_node, &zero);
	struct endpoint *endpoint;
	struct inner inner;
	enum reason reason;
	struct encap_nexthop via;

	if (!port || !node)
		return finish_packet(skb, PUNT_NO_PORT);
	if (is_vlan_frame(skb))
		return finish_packet(skb, port->flags & PORT_VLANS ? PASS_VLAN : DROP_VLAN);
	if (!remove_priority_tag(skb))
		return port_exception(skb, PUNT_NO_ROOM);
	if ((void *)(long)skb->data + PULL_BYTES > (void *)(long)skb->data_end && skb->len > (void *)(long)skb->data_end - (void *)(long)skb->data) {
		if (bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES))
			return port_exception(skb, PUNT_NO_ROOM);
	}
	reason = parse_port_frame(skb, port, &inner);
	if (reason == REASON_FORWARDED && inner.length > frame_len(skb) - ETH_HLEN)
		reason = DROP_MALFORMED;
	if (reason == REASON_FORWARDED)
		reason = antispoof_check(ifindex, port, &inner, generation, &id);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	if (is_syn(&inner))
		clamp_mss(skb, ETH_HLEN + inner.header_bytes, port->mtu - inner.header_bytes - TCP_HEADER_BYTES);
	if (!id) {
		endpoint = lookup_endpoint(port->tenant, &inner);
		if (!endpoint)
			return port_exception(skb, PUNT_NO_MEMBER);
		id = endpoint->id;
		if (endpoint->type == EP_LOCAL) {
			__u32 flags;

			trace_capture(skb);
			reason = deliver_local(skb, &inner, id, port, &flags);
			if (reason != REASON_FORWARDED)
				return port_exception(skb, reason);
			count_verdict(REASON_FORWARDED);
			trace_verdict(skb, REASON_FORWARDED, id, HOOK_PORT);
			return redirect_to_port(id, flags);
		}
		/* The cache entry is of the flow, not of its addresses. */
		if (endpoint->type == EP_VIA_GATEWAY) {
			id = gateway_encap(skb, &inner, ifindex, port->tenant, id, generation);
			if (!id)
				return port_exception(skb, DROP_NO_NETWORK_NODE);
		} else if (!id) {
			/* The gateway, or an endpoint that only the kernel has a route to. */
			return port_exception(skb, PUNT_NO_MEMBER);
		} else {
			egress_cache_insert(&inner, ifindex, generation, id);
		}
	}
	reason = resolve_nexthop(&via, id, &inner, port, generation);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	trace_capture(skb);
	reason = encap_to_nexthop(skb, &inner, &via, node);
	if (reason != REASON_FORWARDED)
		return port_exception(skb, reason);
	count_verdict(REASON_FORWARDED);
	trace_verdict(skb, REASON_FORWARDED, via.hop->ifindex, HOOK_PORT);
	if (via.hop->flags & NH_LOOPBACK)
		skb->mark = MARK_LOOPBACK;
	return bpf_redirect(via.hop->ifindex, via.hop->flags & NH_LOOPBACK);
}

SEC("tcx/ingress")
int segue_port(struct __sk_buff *skb)
{
	return port_ingress(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
