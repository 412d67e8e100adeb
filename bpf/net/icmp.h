/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What kind of message an ICMP type is, of both families. */
#pragma once
#include <stdbool.h>
#include "net/proto.h"

/*
 * Errors that go along with the flow of what they quote, which routers send (traceroute, path MTU discovery): unreachable, time exceeded,
 * parameter problem; of ICMPv6 all four that there are (RFC 4443 section 2.1 has room for more).
 */
static __always_inline bool is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_UNREACHABLE || type == ICMP_EXCEEDED || type == ICMP_PARAMETER;
	return protocol == IPPROTO_ICMPV6 && type >= ICMP6_ERROR_MIN && type <= ICMP6_ERROR_MAX;
}

/* Messages that are answered by no error: RFC 1122 section 3.2.2 (Source Quench and Redirect, too), RFC 4443 section 2.4 (e). */
static __always_inline bool forbids_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return is_icmp_error(protocol, type) || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT;
	return protocol == IPPROTO_ICMPV6 && (type < ICMP6_INFORMATIONAL || type == ICMP6_REDIRECT);
}

/* Opens a connection: the answer has another type. */
static __always_inline bool is_icmp_request_type(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_ECHO_REQUEST || type == ICMP_TIMESTAMP_REQUEST;
	return type == ICMP6_ECHO_REQUEST;
}

/* Neighbour discovery (RFC 4861): between a host and its link. */
static __always_inline bool is_neighbour_discovery(__u8 protocol, __u8 type)
{
	return protocol == IPPROTO_ICMPV6 && type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT;
}
