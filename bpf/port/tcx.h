/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* tcx of a port: VLAN tags, super-packets, the MSS, answers. These steps of port/pipeline.h differ from XDP. */
#pragma once
#include "ctx/skb.h"
#include "migrate/announcement.h"
#include "net/tcp_mss.h"
#include "net/vlan.h"
#include "port/exception.h"

#define PORT_HOOK HOOK_PORT

/* Bytes to linearize: Ethernet, IPv6, TCP without options. */
#define PULL_BYTES (ETH_HLEN + sizeof(struct ipv6hdr) + 20)

/* Returns REASON_FORWARDED if the frame may be parsed, else why not. */
static __always_inline enum reason port_accept(struct __sk_buff *skb, const struct port *port)
{
	if (is_vlan_frame(skb))
		return port->flags & PORT_VLANS ? PASS_VLAN : DROP_VLAN;
	if (!remove_priority_tag(skb) || !frame_linearize(skb, PULL_BYTES))
		return PUNT_NO_ROOM;
	return port->flags & PORT_MIGRATES ? migration_accept(skb) : REASON_FORWARDED;
}

/* Clamps the MSS of a packet that opens a connection. */
static __always_inline bool port_open(struct __sk_buff *skb, const struct port *port, const struct inner *inner)
{
	clamp_mss(skb, ETH_HLEN + inner->header_bytes, port->mtu - inner->header_bytes - TCP_HEADER_BYTES);
	return true;
}

static __always_inline int port_redirect(__u32 ifindex, __u32 flags)
{
	return redirect_to_port(ifindex, flags);
}

static __always_inline int port_transmit(struct __sk_buff *skb, const struct nexthop *hop)
{
	if (hop->flags & NH_LOOPBACK)
		skb->mark = MARK_LOOPBACK;
	return bpf_redirect(hop->ifindex, hop->flags & NH_LOOPBACK);
}
