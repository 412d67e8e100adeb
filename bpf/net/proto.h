/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Protocol numbers that the kernel's headers lack, or whose headers would include too much. */
#pragma once
#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

/* Masks of fragment fields: IPv4's frag_off in network order, then in host order; the offset of IPv6's fragment header in host order. */
#define IP_OFFSET_OR_MORE bpf_htons(0x3fff)
#define FRAGMENT_OFFSET 0x1fff
#define FRAGMENT_MORE 0x2000
#define IP6_FRAGMENT_OFFSET 0xfff8
#define IP6_FRAGMENT_MORE 1

#define EXT_MOBILITY 135
#define EXT_HIP 139
#define EXT_SHIM6 140

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO_REQUEST 8
#define ICMP_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_TIMESTAMP_REQUEST 13
#define ICMP6_ERROR_MIN 1
#define ICMP6_ERROR_MAX 4
#define ICMP6_INFORMATIONAL 128
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_ROUTER_SOLICITATION 133
#define ICMP6_REDIRECT 137

struct icmp_head {
	__u8 type;
	__u8 code;
	__be16 checksum;
};
