/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A per-CPU cache of ports by interface (fib/cache.h). */
#pragma once
#include "fib/cache.h"

/* The port of an interface, or NULL. generation: the cache generation before the first lookup for this packet. */
static __always_inline const struct port *lookup_port(__u32 ifindex, __u64 generation)
{
	__u32 index = (bpf_get_smp_processor_id() << PORT_CACHE_BITS) | (ifindex & ((1 << PORT_CACHE_BITS) - 1));
	struct port_cache_entry *known = bpf_map_lookup_elem(&sg_port_cache, &index);
	struct port *port;

	if (known && generation && known->generation == generation && known->ifindex == ifindex)
		return &known->port;
	port = bpf_map_lookup_elem(&sg_ports, &ifindex);
	if (port && known) {
		known->generation = generation;
		known->ifindex = ifindex;
		known->port = *port;
	}
	return port;
}
