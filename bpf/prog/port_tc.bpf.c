// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tcx ingress of a tenant's interface: anti-spoofing, lookup, H.Encaps.Red, redirect to the uplink or to a port of this node. */
#include "port/tcx.h"
#include "port/pipeline.h"
#include "abi/btf_export.h"

BTF_EXPORT_ENUM(reason);
BTF_EXPORT_ENUM(endpoint_type);
BTF_EXPORT_ENUM(port_flags);
BTF_EXPORT_ENUM(dscp_policy);
BTF_EXPORT_ENUM(behaviour);
BTF_EXPORT_ENUM(family);
BTF_EXPORT_ENUM(hook);
BTF_EXPORT_ENUM(trace_flags);
BTF_EXPORT_ENUM(limits);
BTF_EXPORT_ENUM(nexthop_flags);
BTF_EXPORT_ENUM(mark);
BTF_EXPORT_ENUM(dhcp4_layout);
BTF_EXPORT_ENUM(boot_client);
BTF_EXPORT_ENUM(reply_program);
BTF_EXPORT_ENUM(service_kind);
BTF_EXPORT_STRUCT(event);

SEC("tcx/ingress")
int segue_port(struct __sk_buff *skb)
{
	int verdict = port_ingress(skb);

	/* Not in a called function: a tail call there would limit the stack of its callers to half (check_max_stack_depth). */
	if (verdict < LEAVE_TO)
		return verdict;
	bpf_tail_call(skb, &sg_replies, verdict - LEAVE_TO);
	return finish_packet(skb, PUNT_NOT_ROUTED);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
