/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Explicit congestion notification in tunnels (RFC 6040). */
#pragma once
#include "net/parse.h"

/* RFC 6040 section 4.2: copies a congestion mark of the outer header into the inner one (the kernel's INET_ECN_decapsulate). */
static __always_inline enum reason ecn_decapsulate(void *header, const struct inner *inner, __u8 outer_class)
{
	if ((outer_class & 3) != 3 || (inner->traffic_class & 3) == 3)
		return REASON_FORWARDED;
	if ((inner->traffic_class & 3) == 0)
		return DROP_ECN;
	if (inner->family == FAMILY_INET) {
		struct iphdr *ip = header;
		__u32 check = (__u16)~ip->check;
		__u8 tos = ip->tos | 3;

		/* RFC 1624, equation 3, for the word of version, header length and type of service. */
		check += (__u16)~bpf_htons(0x4500 | ip->tos) + bpf_htons(0x4500 | tos);
		check = (check & 0xffff) + (check >> 16);
		check = (check & 0xffff) + (check >> 16);
		ip->check = ~check;
		ip->tos = tos;
	} else {
		struct ipv6hdr *ip6 = header;

		ip6->flow_lbl[0] |= 3 << 4;
	}
	return REASON_FORWARDED;
}
