/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Classifies the ICMP types of both families. */
#pragma once
#include <stdbool.h>
#include "net/proto.h"

/*
 * Errors that belong to the flow of the datagram that they quote: destination unreachable, time exceeded, parameter problem, which traceroute and
 * path MTU discovery need. Of ICMPv6 all four that are defined (RFC 4443 section 2.1 has room for more).
 */
static __always_inline bool is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_UNREACHABLE || type == ICMP_EXCEEDED || type == ICMP_PARAMETER;
	return protocol == IPPROTO_ICMPV6 && type >= ICMP6_ERROR_MIN && type <= ICMP6_ERROR_MAX;
}

/* Messages for which no ICMP error is sent: RFC 1122 section 3.2.2 (including Source Quench and Redirect), RFC 4443 section 2.4 (e). */
static __always_inline bool forbids_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return is_icmp_error(protocol, type) || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT;
	return protocol == IPPROTO_ICMPV6 && (type < ICMP6_INFORMATIONAL || type == ICMP6_REDIRECT);
}

/* Whether the message is a request, which opens a connection. The reply has another type. */
static __always_inline bool is_icmp_request_type(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_ECHO_REQUEST || type == ICMP_TIMESTAMP_REQUEST;
	return type == ICMP6_ECHO_REQUEST;
}

/* Whether the message is one of neighbour discovery (RFC 4861), which is never forwarded. */
static __always_inline bool is_neighbour_discovery(__u8 protocol, __u8 type)
{
	return protocol == IPPROTO_ICMPV6 && type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT;
}
