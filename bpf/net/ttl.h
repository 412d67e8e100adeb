/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One hop less: time to live, hop limit, and the Ethernet header for the next one. */
#pragma once
#include "net/addr.h"
#include "net/parse.h"

/* One hop less. The checksum of IPv4 changes as if 0x0100 had been added to it (RFC 1624). */
static __always_inline void step_inet(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* One hop more: takes step_inet() back. */
static __always_inline void unstep_inet(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += (__u16)~bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl++;
}

/* One hop less, and an Ethernet header for the next one. addresses: destination and source. */
static __always_inline bool rewrite(void *data, void *data_end, const struct inner *inner, const __u8 *addresses)
{
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return false;
	if (inner->family == FAMILY_INET) {
		step_inet((struct iphdr *)(eth + 1));
	} else {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) > data_end)
			return false;
		((struct ipv6hdr *)(eth + 1))->hop_limit--;
	}
	write_macs(eth, addresses);
	return true;
}
