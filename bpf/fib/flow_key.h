/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A flow's key: reversed, hashed, and that of its fragments. */
#pragma once
#include "net/parse_flow.h"

static __always_inline void reverse_key(struct flow_key *to, const struct flow_key *key)
{
	*to = *key;
	to->source = key->dest;
	to->dest = key->source;
	to->source_port = key->dest_port;
	to->dest_port = key->source_port;
}

/* The same for both directions of a flow, and on every node. */
static __always_inline __u32 flow_hash(const struct flow_key *key)
{
	__u16 a = key->source_port, b = key->dest_port;
	__u64 ports = (((__u64)(a ^ b)) << 32) | (__u32)(a + b);

	return mix(fold(&key->source) + fold(&key->dest), (ports << 8) ^ key->protocol);
}

/* What the fragments of a datagram have in common (RFC 791; RFC 8200 section 4.5, where the protocol is none of it). */
static __always_inline void fragments_key(struct flow_key *to, const struct packet *packet)
{
	*to = packet->key;
	to->kind = FLOW_FRAGMENTS;
	to->source_port = packet->fragment;
	to->dest_port = packet->fragment >> 16;
	if (to->family == FAMILY_INET6)
		to->protocol = 0;
}
