// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* DHCPv6 and router solicitations at a port, called by the port's program (sg_replies). Requests that get no answer end here, too. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "dhcp/dhcp6.h"
#include "dhcp/router_advertisement.h"

SEC("tcx/ingress")
int segue_dhcp6(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	__u8 next;

	/* A test run of the agent: packets from a device have no mark. */
	if (skb->mark == MARK_ADVERTISE)
		return send_advertisement(skb);
	if (!port || bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &next, sizeof(next)))
		return finish_request(skb, PUNT_NO_PORT);
	return finish_request(skb, next == IPPROTO_UDP ? reply_dhcp6(skb, port) : reply_router(skb, port));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
