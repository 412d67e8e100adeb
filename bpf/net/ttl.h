/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Decrements TTL and hop limit, and writes the Ethernet header for the next hop. */
#pragma once
#include "net/addr.h"
#include "net/parse.h"

/* Decrements the TTL. The checksum changes as if 0x0100 had been added to it (RFC 1624). */
static __always_inline void ipv4_dec_ttl(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* Decrements TTL or hop limit of an IP header. Returns false if the header is not within the packet's memory. */
static __always_inline bool dec_ttl(void *header, void *data_end, __u32 family)
{
	if (header + sizeof(struct iphdr) > data_end)
		return false;
	if (family == FAMILY_INET) {
		ipv4_dec_ttl(header);
		return true;
	}
	if (header + sizeof(struct ipv6hdr) > data_end)
		return false;
	((struct ipv6hdr *)header)->hop_limit--;
	return true;
}

/* Decrements TTL or hop limit, and writes the MAC addresses for the next hop. addresses: destination and source */
static __always_inline bool dec_ttl_and_readdress(void *data, void *data_end, const struct inner *inner, const __u8 *addresses)
{
	if (!dec_ttl(data + ETH_HLEN, data_end, inner->family))
		return false;
	write_macs(data, addresses);
	return true;
}
