/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Inner sources that are refused in packets for a VM from the overlay, whichever node sent them. */
#pragma once
#include "fib/endpoint.h"
#include "net/parse.h"

/* Whether no router may forward a packet with this source (RFC 1812 section 5.3.7, RFC 6890; RFC 4291 sections 2.5 and 2.7). */
static __always_inline bool is_martian_source(const struct inner *inner)
{
	const struct in6_addr *source = &inner->source;
	const __u32 *word = source->in6_u.u6_addr32;

	if (inner->family == FAMILY_INET) {
		__u8 first = source->in6_u.u6_addr8[0];

		return first == 0 || first == 127 || first >= 224;
	}
	/* ::, ::1, IPv4-compatible and IPv4-mapped addresses. */
	if (!(word[0] | word[1]) && (!word[2] || word[2] == bpf_htonl(0xffff)))
		return true;
	return source->in6_u.u6_addr8[0] == 0xff || is_link_local(source);
}

static __always_inline bool carries_error(const struct inner *inner)
{
	return is_icmp_error(inner->protocol, inner->icmp_type);
}

static __always_inline bool is_gateway_of(const struct port *port, const struct inner *inner)
{
	if (inner->family == FAMILY_INET)
		return inner->source.in6_u.u6_addr32[0] == port->gateway4;
	return same_address(&inner->source, &port->gateway6);
}

/* The bit of an address in port->checked_sources, which the agent sets (src/ebpf/port-kind.ts). */
static __always_inline __u32 source_bit(const struct in6_addr *source)
{
	const __u32 *word = source->in6_u.u6_addr32;

	return 1U << ((word[0] ^ word[1] ^ word[2] ^ word[3]) * 0x9e3779b1U >> 27);
}

/* Looks a source up. It may be no other address of the VM, and another gateway of the tenant only in ICMP errors. */
static __always_inline enum reason lookup_inner_source(const struct port *port, __u32 ifindex, const struct inner *inner)
{
	const struct endpoint *endpoint = lookup_endpoint_of(port->tenant, inner->family, &inner->source);

	if (endpoint && endpoint->type == EP_LOCAL && endpoint->id == ifindex)
		return DROP_INNER_SOURCE;
	if (endpoint && endpoint->type == EP_GATEWAY && !carries_error(inner))
		return DROP_INNER_SOURCE;
	return REASON_FORWARDED;
}

/* Checks the source of a packet that arrived for a port's VM: not the VM's address, and the gateway's only in ICMP errors. */
static __always_inline enum reason check_inner_source(const struct port *port, __u32 ifindex, const struct inner *inner)
{
	if (is_martian_source(inner) || same_address(&inner->source, &inner->dest))
		return DROP_INNER_SOURCE;
	if (is_gateway_of(port, inner))
		return carries_error(inner) ? REASON_FORWARDED : DROP_INNER_SOURCE;
	if (port->checked_sources & source_bit(&inner->source))
		return lookup_inner_source(port, ifindex, inner);
	return REASON_FORWARDED;
}
