/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Ports whose VM moves between two nodes (`migrate`), at both of them. */
#pragma once
#include <linux/in6.h>
#include "maps/map_defs.h"

/* A port with PORT_MIGRATES, by its interface. */
struct migration {
	/* Written by the programs: the VM has come up at the destination. */
	__u32 activated;
	__u32 announced; /* the VM's announcement activates, too, not only the intent */
	/* Encapsulations to the tenant's SIDs at the other node, and for the notice to it; 0: none. */
	__u32 encap4;
	__u32 encap6;
	__u32 notice_encap;
	__u32 unused;
	__u64 relayed; /* packets that arrived for the VM here and were sent on to where it is */
};

/* At the source of a migration: the notice by which the other node reports that the VM has come up there, by its destination address. */
struct notice {
	struct in6_addr from; /* outer source of the other node, which alone may send it */
	__u32 ifindex; /* of the port */
	__u32 unused;
};

HASH_RW(fastpath, sg_migrations, __u32, struct migration, 4096);
HASH(fastpath, sg_notices, struct in6_addr, struct notice, 4096);
