/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Services of the node that VMs reach at link-local addresses of their own tenant: state of the ports' programs. */
#pragma once
#include <linux/types.h>

/*
 * Inside the node a request is IPv6, between addresses of a prefix of 32 bits that is nobody else's:
 *
 *     source       prefix | ifindex of the port             | the VM's address: IPv4, or the last 64 bits of IPv6
 *     destination  prefix | SERVICE_SIDE | enum service_kind | zero, or the first 64 bits of the VM's IPv6 address
 *
 * so both are known from the packet alone, on the way there and back.
 */
enum service_kind {
	SERVICE_NONE,
	SERVICE_METADATA4, /* 169.254.169.254 */
	SERVICE_METADATA6, /* fd00:ec2::254 */
	SERVICE_METADATA_LINK, /* fe80::a9fe:a9fe */
	SERVICE_DNS4, /* 169.254.169.253 */
	SERVICE_DNS6, /* fd00:ec2::253 */
	SERVICE_KINDS,
};

/* Interfaces have 31 bits: this one tells the services' side of the prefix. */
#define SERVICE_SIDE 0x80000000

/* sg_service[0]. */
struct service {
	__be32 prefix;
	__u32 ifindex; /* of the way there: the node's end of a veth */
	__u32 hop_limit; /* of what the metadata service sends to a VM */
	__u32 kinds; /* bit n: the node has the service of kind n */
};
