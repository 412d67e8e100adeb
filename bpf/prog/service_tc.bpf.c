// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Requests for services of the node at a port, called by the port's program (sg_replies). Packets that are no valid request end here, too. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "metrics.h"
#include "service/request.h"
#include "trace/trace.h"

SEC("tcx/ingress")
int segue_service(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct port *port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	const struct service *service = node_service();
	enum reason reason = PUNT_NO_PORT;

	if (port && service)
		reason = service_request(skb, port, service);
	count_verdict(reason);
	if (reason != ANSWER_SERVICE) {
		trace_verdict(skb, reason, 0, HOOK_PORT);
		return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
	}
	trace_verdict(skb, reason, service ? service->ifindex : 0, HOOK_PORT);
	skb->mark = MARK_SERVICE;
	return bpf_redirect(service ? service->ifindex : 0, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
