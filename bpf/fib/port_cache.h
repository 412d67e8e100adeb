/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The port of an interface. */
#pragma once
#include "fib/cache.h"

/* The port of an interface, NULL: it is none. epoch, here and below: what it was before the first lookup for this packet. */
static __always_inline const struct port *find_port(__u32 ifindex, __u64 epoch)
{
	__u32 index = (bpf_get_smp_processor_id() << KNOWN_PORT_BITS) | (ifindex & ((1 << KNOWN_PORT_BITS) - 1));
	struct known_port *known = bpf_map_lookup_elem(&known_ports, &index);
	struct port *port;

	if (known && epoch && known->epoch == epoch && known->ifindex == ifindex)
		return &known->port;
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (port && known) {
		known->epoch = epoch;
		known->ifindex = ifindex;
		known->port = *port;
	}
	return port;
}
