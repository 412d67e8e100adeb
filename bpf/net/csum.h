/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The Internet checksum (RFC 1071). */
#pragma once
#include <bpf/bpf_helpers.h>

/* The Internet checksum (RFC 1071) of a sum of 16-bit words. */
static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Sum of 16-bit words. length: bytes, a multiple of four, at most 512 */
static __always_inline __u64 csum_bytes(void *bytes, __u32 length)
{
	return (__u32)bpf_csum_diff(0, 0, bytes, length, 0);
}
