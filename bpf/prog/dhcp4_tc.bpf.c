// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* DHCPv4 at a port, called by the port's program (sg_replies). Requests that get no answer end here, too. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "dhcp/dhcp4.h"

SEC("tcx/ingress")
int segue_dhcp4(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	const struct dhcp4_lease *lease = bpf_map_lookup_elem(&sg_dhcp4, &ifindex);

	if (!port || !lease)
		return finish_request(skb, port ? PUNT_NOT_ROUTED : PUNT_NO_PORT);
	return finish_request(skb, reply_dhcp4(skb, port, lease, bpf_map_lookup_elem(&sg_boot, &ifindex)));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
