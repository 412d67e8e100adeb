/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A VM that moves between two nodes has a port at each of them: tells at which one it is. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include "abi/types.h"
#include "maps/migrate_maps.h"
#include "net/addr.h"
#include "net/proto.h"

/* Whether a migrating port's VM is at the other node. Without an entry it is at the source. */
static __always_inline bool is_away(const struct migration *migration, __u32 port_flags)
{
	bool is_destination = port_flags & PORT_STANDBY;

	return migration ? !migration->activated == is_destination : is_destination;
}

/* The encapsulation to the other node if a port's VM is there (`away`); 0: the VM is here, or there is no encapsulation. */
static __always_inline __u32 away_encap(const struct port *port, __u32 ifindex, __u8 family, bool *away)
{
	const struct migration *migration;

	*away = false;
	if (!(port->flags & PORT_MIGRATES))
		return 0;
	migration = bpf_map_lookup_elem(&sg_migrations, &ifindex);
	*away = is_away(migration, port->flags);
	if (!*away || !migration)
		return 0;
	return family == FAMILY_INET ? migration->encap4 : migration->encap6;
}
