// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of the node's end of the services' veth: redirects answers to the ports that asked. No packet reaches the node's own stack. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "ctx/skb.h"
#include "metrics.h"
#include "service/answer.h"

SEC("tcx/ingress")
int segue_svc_back(struct __sk_buff *skb)
{
	const struct service *service = node_service();
	enum reason reason = DROP_NO_SERVICE;
	__u32 ifindex = 0;

	if (service)
		reason = service_answer(skb, service, &ifindex);
	count_verdict(reason);
	if (reason != ANSWER_SERVICE)
		return TC_ACT_SHOT;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
