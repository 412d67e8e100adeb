// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of an uplink: decapsulates super-packets whole and redirects them to the port. */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "ctx/pass.h"
#include "gateway/return_path.h"
#include "icmp/uplink_error.h"
#include "metrics.h"
#include "net/vlan.h"
#include "srv6/decap.h"
#include "trace/trace.h"

/* Ethernet, IPv6, the longest SRH that is read, IPv6, TCP. */
#define PULL_BYTES (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + MAX_SRH_BYTES + 16 + 20)

/* What XDP decapsulated: the interface of its port; 0: it did not. */
static __always_inline __u32 decap_meta_ifindex(struct __sk_buff *skb)
{
	struct decap_meta *meta = (void *)(long)skb->data_meta;

	if ((void *)(meta + 1) > (void *)(long)skb->data || meta->magic != DECAP_META_MAGIC)
		return 0;
	return meta->ifindex;
}

/* uplink_xdp has sent the event. */
static __always_inline int redirect_decapsulated(struct __sk_buff *skb, __u32 ifindex)
{
	const struct port *port = lookup_port(ifindex, cache_generation_now());

	/* The port was removed meanwhile. */
	if (!port) {
		count_verdict(DROP_NO_MEMBER);
		return TC_ACT_SHOT;
	}
	/* The NIC took the tag before XDP saw the frame: it is altered, and nobody's any more. */
	if (is_vlan_frame(skb) || !remove_priority_tag(skb)) {
		count_verdict(DROP_VLAN);
		return TC_ACT_SHOT;
	}
	count_verdict(REASON_FORWARDED);
	count_rx(port->slot, skb->gso_segs ? skb->gso_segs : 1, skb->len - ETH_HLEN);
	/* The uplink took it for another machine's, by its destination (eth_type_trans). */
	if (port->flags & PORT_REDIRECT_PEER)
		bpf_skb_change_type(skb, PACKET_HOST);
	return redirect_to_port(ifindex, port->flags);
}

static __always_inline int uplink_ingress(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	enum arrival_path arrival_path = FROM_WIRE_TC;
	struct decap_ctx decap;
	enum reason reason;
	__u32 ifindex;
	__u64 flags;

	ifindex = decap_meta_ifindex(skb);
	if (ifindex)
		return redirect_decapsulated(skb, ifindex);
	if (is_vlan_frame(skb))
		return uplink_exception(skb, PASS_VLAN);
	if (skb->mark == MARK_LOOPBACK) {
		skb->mark = 0;
		arrival_path = FROM_LOOPBACK;
	}
	/* Frames for another MAC address, a group's included, are not ours to deliver. */
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != PACKET_HOST)
		return pass_host();
	if (data + PULL_BYTES > data_end && skb->len > data_end - data) {
		__u32 bytes = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

		if (bpf_skb_pull_data(skb, bytes))
			return pass_host();
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
	}
	force_stack(decap);
	reason = decap_lookup(skb, &decap, arrival_path);
	if (reason == REASON_COUNT)
		return pass_host();
	if (skb->vlan_present) {
		if (!remove_priority_tag(skb))
			return uplink_exception(skb, PUNT_NO_ROOM);
		data = (void *)(long)skb->data;
		data_end = (void *)(long)skb->data_end;
	}
	if (reason == REASON_FORWARDED) {
		if (decap.outer.length > skb->len - ETH_HLEN)
			reason = DROP_MALFORMED;
		else if (skb->gso_size && !(decap.port->flags & PORT_TUNNEL_SEGMENTATION) && !no_kernel_fallback)
			reason = PUNT_NO_OFFLOAD;
		else if (!skb->gso_size && skb->len - ETH_HLEN - decap.outer.bytes > decap.port->mtu)
			reason = PUNT_TOO_BIG;
	}
	if (reason == REASON_FORWARDED) {
		learn_return_path_decap(skb, decap.outer.bytes, &decap.inner, decap.port->tenant);
		trace_capture(skb);
		flags = decap.inner.family == FAMILY_INET ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;
		if (bpf_skb_adjust_room(skb, -(__s32)decap.outer.bytes, BPF_ADJ_ROOM_MAC, flags | BPF_F_ADJ_ROOM_FIXED_GSO))
			reason = PUNT_NO_ROOM;
		else {
			data = (void *)(long)skb->data;
			data_end = (void *)(long)skb->data_end;
			reason = decap_finish(&decap, data, data_end);
		}
	}
	if (reason != REASON_FORWARDED)
		return uplink_exception(skb, reason);
	count_verdict(reason);
	trace_verdict(skb, reason, decap.ifindex, HOOK_UPLINK);
	count_rx(decap.port->slot, skb->gso_segs ? skb->gso_segs : 1, decap.inner.length);
	return redirect_to_port(decap.ifindex, decap.port->flags);
}

SEC("tcx/ingress")
int segue_uplink_tc(struct __sk_buff *skb)
{
	return uplink_ingress(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
