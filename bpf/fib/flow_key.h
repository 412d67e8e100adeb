/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Flow keys: their reversal, their hashes, and the key of fragments. */
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

/* A hash that both directions of a flow share, on every node. */
static __always_inline __u32 flow_hash(const struct flow_key *key)
{
	__u16 a = key->source_port, b = key->dest_port;
	__u64 ports = (((__u64)(a ^ b)) << 32) | (__u32)(a + b);

	return hash_mix64(hash_in6(&key->source) + hash_in6(&key->dest), (ports << 8) ^ key->protocol);
}

/* One summand of NH: a word of the message and its seed. */
static __always_inline __u64 nh_word(__u64 word, __u64 seed)
{
	return (__u64)(__u32)(word + seed) * (__u32)((word >> 32) + (seed >> 32));
}

/*
 * The universal hash NH (Black et al., "UMAC", 1999) of a key and its zone, mixed: for two keys that were chosen without knowledge of the
 * seeds, one in 2^32 seeds makes them collide.
 */
static __always_inline __u64 keyed_flow_hash(const struct flow_key *key, __u32 zone, const __u64 *seeds)
{
	const __u64 *words = (const void *)key;
	__u64 hash = nh_word(zone, seeds[HASH_SEEDS - 1]);
	int i;

#pragma unroll
	for (i = 0; i < HASH_SEEDS - 1; i++)
		hash += nh_word(words[i], seeds[i]);
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ (hash >> 33);
}

/* The key that all fragments of a datagram share (RFC 791; RFC 8200 section 4.5, where the protocol is no part of it). */
static __always_inline void fragments_key(struct flow_key *to, const struct packet *packet)
{
	*to = packet->key;
	to->type = FLOW_FRAGMENTS;
	to->source_port = packet->fragment;
	to->dest_port = packet->fragment >> 16;
	if (to->family == FAMILY_INET6)
		to->protocol = 0;
}
