/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses of the node's services: those that VMs use, and those inside the node (abi/service_types.h). */
#pragma once
#include <bpf/bpf_endian.h>
#include <linux/in6.h>
#include <stdbool.h>
#include "abi/service_types.h"

#define METADATA4 bpf_htonl(0xa9fea9fe)
#define DNS4 bpf_htonl(0xa9fea9fd)
#define METADATA_PORT bpf_htons(80)
#define DNS_PORT bpf_htons(53)

/* MAC addresses of the veth, the services' end and the node's: twelve bytes as in a frame. No other device is on that link. */
#define SERVICE_MACS                                                                   \
	{                                                                              \
		0x02, 0x73, 0x67, 0xfe, 0x00, 0x02, 0x02, 0x73, 0x67, 0xfe, 0x00, 0x01 \
	}

static __always_inline enum service_kind service_kind4(__be32 address)
{
	return address == METADATA4 ? SERVICE_METADATA4 : address == DNS4 ? SERVICE_DNS4 : SERVICE_NONE;
}

static __always_inline enum service_kind service_kind6(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	if (word[0] == bpf_htonl(0xfd000ec2) && !(word[1] | word[2])) {
		if (word[3] == bpf_htonl(0x254))
			return SERVICE_METADATA6;
		return word[3] == bpf_htonl(0x253) ? SERVICE_DNS6 : SERVICE_NONE;
	}
	if (word[0] == bpf_htonl(0xfe800000) && !(word[1] | word[2]) && word[3] == METADATA4)
		return SERVICE_METADATA_LINK;
	return SERVICE_NONE;
}

/* The address by which a VM reaches a kind of service. Returns false if the kind has no IPv6 address. */
static __always_inline bool service_address6(__u32 kind, struct in6_addr *address)
{
	__u32 *word = address->in6_u.u6_addr32;

	word[1] = 0;
	word[2] = 0;
	if (kind == SERVICE_METADATA6 || kind == SERVICE_DNS6) {
		word[0] = bpf_htonl(0xfd000ec2);
		word[3] = kind == SERVICE_DNS6 ? bpf_htonl(0x253) : bpf_htonl(0x254);
		return true;
	}
	word[0] = bpf_htonl(0xfe800000);
	word[3] = METADATA4;
	return kind == SERVICE_METADATA_LINK;
}

/* Whether a kind of service is reached by IPv4. */
static __always_inline bool is_kind4(__u32 kind)
{
	return kind == SERVICE_METADATA4 || kind == SERVICE_DNS4;
}

static __always_inline bool is_dns(__u32 kind)
{
	return kind == SERVICE_DNS4 || kind == SERVICE_DNS6;
}

/* Whether an address is inside the node, on the services' side. */
static __always_inline bool is_service_side(const struct service *service, const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return word[0] == service->prefix && word[1] & bpf_htonl(SERVICE_SIDE);
}
