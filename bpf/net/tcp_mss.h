/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Clamps the MSS that a VM's SYN offers to the tenant's MTU, so that only protocols without such an option need path MTU discovery. */
#pragma once
#include "maps/reply_scratch.h"
#include "net/parse.h"

#define TCP_HEADER_BYTES 20
#define TCP_CHECKSUM 16
#define TCP_OPTION_BYTES 40
#define TCP_OPTION_END 0
#define TCP_OPTION_PAD 1
#define TCP_OPTION_MSS 2
#define MSS_BYTES 4

/*
 * Offset of the MSS option in space->part, or TCP_OPTION_BYTES. The cursor is in memory whose value the verifier does not track: otherwise it would
 * follow every path through the options (900,000 instructions and 20 seconds, instead of a thousand).
 */
static __always_inline __u32 find_mss_option(struct reply_buf *space)
{
	volatile __u64 *cursor = &space->frame[0];
	const __u8 *options = (const __u8 *)space->part;
	__u32 i;

	*cursor = 0;
	for (i = 0; i < TCP_OPTION_BYTES; i++) {
		__u64 at = *cursor;
		__u8 bytes;

		if (at > TCP_OPTION_BYTES - MSS_BYTES || options[at] == TCP_OPTION_END)
			break;
		if (options[at] == TCP_OPTION_PAD) {
			*cursor = at + 1;
			continue;
		}
		bytes = options[at + 1];
		if (options[at] == TCP_OPTION_MSS && bytes == MSS_BYTES)
			return at;
		if (bytes < 2)
			break;
		*cursor = at + bytes;
	}
	return TCP_OPTION_BYTES;
}

/*
 * Lowers the MSS in a SYN.
 *
 * at: offset of the TCP header in the frame
 * most: bytes of a segment's payload
 */
static __noinline int clamp_mss(struct __sk_buff *skb, __u32 at, __u32 most)
{
	struct reply_buf *space = reply_buf();
	__u16 offered, wire, before, after;
	__u8 *options, offset;
	__u32 bytes, found, i;

	if (!space || bpf_skb_load_bytes(skb, at + 12, &offset, 1))
		return 0;
	bytes = (offset >> 4) * 4;
	if (bytes <= TCP_HEADER_BYTES)
		return 0;
	bytes -= TCP_HEADER_BYTES;
	for (i = 0; i < TCP_OPTION_BYTES / 8; i++)
		space->part[i] = 0;
	if (bytes > TCP_OPTION_BYTES || bpf_skb_load_bytes(skb, at + TCP_HEADER_BYTES, space->part, bytes))
		return 0;
	found = find_mss_option(space);
	if (found > TCP_OPTION_BYTES - MSS_BYTES)
		return 0;
	options = (__u8 *)space->part;
	offered = options[found + 2] << 8 | options[found + 3];
	if (offered <= most)
		return 0;
	wire = bpf_htons(most);
	before = bpf_htons(offered);
	after = wire;
	/* The checksum sums 16-bit words from the start of the header: at an odd offset the bytes of the MSS have swapped places in two of them. */
	if (found & 1) {
		before = offered;
		after = most;
	}
	/* Leaves the checksum of a CHECKSUM_PARTIAL packet alone. */
	if (bpf_l4_csum_replace(skb, at + TCP_CHECKSUM, before, after, 2))
		return 0;
	bpf_skb_store_bytes(skb, at + TCP_HEADER_BYTES + found + 2, &wire, sizeof(wire), 0);
	return 0;
}
