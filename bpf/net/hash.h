/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Hashes of addresses and ports, without a seed: every node computes the same ones. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/in6.h>

/* A fast mixer (the finalizer of MurmurHash3). */
static __always_inline __u32 hash_mix64(__u64 a, __u64 b)
{
	__u64 h = a ^ (b * 0x9e3779b97f4a7c15ULL);

	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

static __always_inline __u64 hash_in6(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return (((__u64)word[0] << 32) | word[1]) * 0x9e3779b97f4a7c15ULL ^ (((__u64)word[2] << 32) | word[3]);
}
