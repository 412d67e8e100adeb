/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The node's services. Empty if there are none. */
#pragma once
#include <stdbool.h>
#include "abi/service_types.h"
#include "maps/map_defs.h"

HASH(fastpath, sg_service, __u32, struct service, 1);

static __always_inline const struct service *node_service(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_service, &zero);
}

/* Whether the node has a kind of service. */
static __always_inline bool has_service(const struct service *service, __u32 kind)
{
	return service->kinds >> (kind & 31) & 1;
}

static __always_inline bool node_has_service(__u32 kind)
{
	const struct service *service = node_service();

	return service && has_service(service, kind);
}
