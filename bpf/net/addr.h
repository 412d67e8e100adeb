/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Compares, copies and classifies addresses. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <stdbool.h>

static __always_inline bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

static __always_inline void copy_address(struct in6_addr *to, const struct in6_addr *from)
{
	__u64 *x = (void *)to;
	const __u64 *y = (const void *)from;

	x[0] = y[0];
	x[1] = y[1];
}

/* fe80::/10 */
static __always_inline bool is_link_local(const struct in6_addr *address)
{
	return (address->in6_u.u6_addr16[0] & bpf_htons(0xffc0)) == bpf_htons(0xfe80);
}

static __always_inline bool is_unspecified(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return !(word[0] | word[1] | word[2] | word[3]);
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/* Writes destination and source, twelve consecutive bytes, by words: the compiler would copy bytes, as alignment is unknown, which costs 10 ns. */
static __always_inline void write_macs(struct ethhdr *eth, const __u8 *addresses)
{
	*(__u64 *)eth = *(const __u64 *)addresses;
	*(__u32 *)((void *)eth + 8) = *(const __u32 *)(addresses + 8);
}
