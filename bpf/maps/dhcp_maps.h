/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Templates of DHCP replies, boot files and router advertisements, by a port's interface. */
#pragma once
#include "abi/dhcp_types.h"
#include "maps/map_defs.h"

HASH(fastpath, sg_dhcp4, __u32, struct dhcp4_lease, 16384);
HASH(fastpath, sg_boot, __u32, struct boot_files, 16384);
HASH(fastpath, sg_dhcp6, __u32, struct dhcp6_lease, 16384);
HASH(fastpath, sg_ra, __u32, struct ra_frame, 16384);
