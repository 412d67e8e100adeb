/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Per-CPU work space of DHCP replies, used within one packet. */
#pragma once
#include "dhcp/requests.h"
#include "maps/map_defs.h"

#define DHCP_ID_SPACE 512
#define DHCP_SUM_SPACE 2048

/* The parsed request is not on the stack, where the verifier would walk each combination of its flags. */
struct dhcp_buf {
	union {
		struct dhcp4_request request4;
		struct dhcp6_request request6;
	};
	__u8 id[DHCP_ID_SPACE]; /* client identifier, as an option */
	__u8 sum[DHCP_SUM_SPACE]; /* bytes to sum */
};

SCRATCH(sg_dhcp_buf, struct dhcp_buf);

static __always_inline struct dhcp_buf *dhcp_buf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_dhcp_buf, &zero);
}
