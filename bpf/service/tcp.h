/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP between VMs and services: which ports, and which side opens connections. */
#pragma once
#include <bpf/bpf_helpers.h>
#include "net/proto.h"
#include "service/address.h"

#define TCP_BYTES 20
#define TCP_CHECKSUM 16

struct service_tcp {
	__be16 source;
	__be16 dest;
	__be32 numbers[2];
	__u8 offset;
	__u8 flags;
};

/* Whether a segment is for a port of a service. at: offset of the TCP header in the frame */
static __always_inline bool is_for_service(struct __sk_buff *skb, __u32 at)
{
	struct service_tcp tcp;

	return !bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)) && tcp.dest == METADATA_PORT;
}

/* Whether a segment is from a service, in a connection that a VM opened. */
static __always_inline bool is_from_service(struct __sk_buff *skb, __u32 at)
{
	struct service_tcp tcp;

	return !bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)) && tcp.source == METADATA_PORT && (tcp.flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;
}
